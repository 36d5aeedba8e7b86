package app_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// allowed says for each package, by its longest matching prefix, which of our
// own packages it may import. A package may always import those below itself.
var allowed = map[string][]string{
	"revela":         {"revela/app"},
	"revela/app":     {"revela"},
	"revela/app/api": {"revela/task", "revela/queue", "revela/imaging", "revela/app/web"},
	"revela/app/web": {},
	"revela/storage": {"revela/task"},
	"revela/cache":   {"revela/task"},
	"revela/task":    {"revela/imaging"},
	"revela/queue":   {},
	"revela/imaging": {},
	"revela/bench":   {"revela"},
}

func TestImportsPointInward(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "revela/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&pkg); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages++
		rule, ok := ruleFor(pkg.ImportPath)
		if !ok {
			t.Errorf("%s: no rule for this package: say here what it may import", pkg.ImportPath)
			continue
		}
		for _, imp := range pkg.Imports {
			own := rule != "revela" && within(imp, rule)
			if within(imp, "revela") && !own && !anyWithin(imp, allowed[rule]) {
				t.Errorf("%s may not import %s", pkg.ImportPath, imp)
			}
		}
	}
	if packages < len(allowed) {
		t.Errorf("go list named %d packages, fewer than there are rules", packages)
	}
}

func ruleFor(pkg string) (rule string, ok bool) {
	for r := range allowed {
		if within(pkg, r) && len(r) > len(rule) {
			rule = r
		}
	}
	return rule, rule != "" && (rule != "revela" || pkg == "revela")
}

// within reports whether pkg is root or below it.
func within(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

func anyWithin(pkg string, roots []string) bool {
	for _, r := range roots {
		if within(pkg, r) {
			return true
		}
	}
	return false
}
