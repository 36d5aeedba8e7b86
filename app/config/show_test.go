package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShow(t *testing.T) {
	t.Parallel()
	c := given{
		file: "queue:\n  lease: 11s\n",
		env:  []string{"API_KEY=0123456789abcdef", "MONGODB_URI=mongodb://me:secret@a:1,b:2/?tls=true"},
		args: []string{"--workers=2"},
	}.must(t)
	var out strings.Builder
	if err := c.Show(&out); err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for _, l := range strings.Split(out.String(), "\n") {
		value, from, _ := strings.Cut(l, " # ")
		lines[strings.TrimSpace(value)] = from
	}
	for value, from := range map[string]string{
		"lease: 11s":       "config.yaml:2",
		"key: (hidden)":    "env API_KEY",
		"concurrency: 2":   "flag --workers",
		"max_retries: 3":   "default",
		`password: ""`:     "default",
		"max_bytes: 32MiB": "default",
		"uri: mongodb://me:xxxxx@a:1,b:2/?tls=true": "env MONGODB_URI",
	} {
		if got, ok := lines[value]; !ok || got != from {
			t.Errorf("no line %q with origin %q (found: %v %q) in\n%s", value, from, ok, got, out.String())
		}
	}
}

// TestShownIsAConfiguration: without secrets, what is shown can be used as it is.
func TestShownIsAConfiguration(t *testing.T) {
	t.Parallel()
	first := given{env: []string{
		"DATA_DIR=/tmp/a: b #c", "IMPORT_DIR=/true", "QUEUE_NAME=1e3", "QUEUE_PREFIX=null", "REDIS_HOST=redis", "REDIS_DB=3",
		"QUEUE_REMOVE_ON_FAIL=500", "UPLOAD_MAX_BYTES=5MB", "CACHE_TASK_TTL=90s", "SERVER_HOST=::1",
	}}.must(t)
	var out strings.Builder
	if err := first.Show(&out); err != nil {
		t.Fatal(err)
	}
	second := given{file: out.String()}.must(t)
	if diff := cmp.Diff(first, second, ignoreOrigins); diff != "" {
		t.Errorf("(-first +shown):\n%s\n%s", diff, out.String())
	}
}

func TestRedactURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"redis://h:6379/0":            "redis://h:6379/0",
		"redis://:pw@h":               "redis://:xxxxx@h",
		"redis://me:pw@h:1":           "redis://me:xxxxx@h:1",
		"redis://pw@h":                "redis://xxxxx@h",
		"redis://me:p@w/x@h":          "redis://me:xxxxx@h",
		"redis://:pw@a,redis://:pw@b": "redis://:xxxxx@b",
		"mongodb://h/?authSource=admin&authMechanismProperties=AWS_SESSION_TOKEN:t": "mongodb://h/?authSource=admin&authMechanismProperties=xxxxx",
		"pw": "(hidden)",
	} {
		if got := redactURL(in); got != want {
			t.Errorf("%s is shown as %s, expected %s", in, got, want)
		}
	}
}

// FuzzFile: no file makes Load panic, and what it refuses it explains.
func FuzzFile(f *testing.F) {
	for _, s := range []string{"server: {port: 1}\n", "image:\n  variants:\n  - width: 3\n", "a: [\n", "? a\n: b\n", "<<: *a\n", "- !!x &y z\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _, err := given{file: text}.load(t)
		if err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without words")
		}
	})
}
