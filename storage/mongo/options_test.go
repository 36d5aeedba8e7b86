package mongo

import (
	"strings"
	"testing"
)

func TestRefusedSettings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ uri, database, want string }{
		"no database":           {"mongodb://h", "", "database name"},
		"a database with dots":  {"mongodb://h", "a.b", "database name"},
		"no URI":                {"", "revela", "the URI"},
		"another protocol":      {"http://h", "revela", "the URI"},
		"unconfirmed writes":    {"mongodb://h/?w=0", "revela", "w=0"},
		"an open password":      {"mongodb://user:hid@den/too@h", "revela", "percent-encoded"},
		"a slash in it":         {"mongodb://user:hid/den@h", "revela", "percent-encoded"},
		"bad option beside one": {"mongodb://user:hidden@h/?w=-1", "revela", "the URI"},
		"a percent sign":        {"mongodb://user:hid%zzden@h", "revela", "percent-encoded"},
		"a colon in it":         {"mongodb://user:hid:den@h", "revela", "percent-encoded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(t.Context(), test.uri, test.database)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("Open = %v, want it to name %q", err, test.want)
			}
			for _, secret := range []string{"hid", "den", "too"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q shows the password", err)
				}
			}
		})
	}
}

// TestConcerns reads what the server will be asked to confirm.
func TestConcerns(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]struct {
		w       any
		journal bool
		read    string
	}{
		"mongodb://h":                             {"majority", true, "majority"},
		"mongodb://h/?w=1":                        {1, true, "majority"},
		"mongodb://h/?journal=false":              {"majority", false, "majority"},
		"mongodb://h/?readConcernLevel=local&w=2": {2, true, "local"},
	} {
		opts, err := clientOptions(uri)
		if err != nil {
			t.Fatal(err)
		}
		if got := opts.WriteConcern; got.W != want.w || *got.Journal != want.journal {
			t.Errorf("%s: w=%v journal=%v, want %v", uri, got.W, *got.Journal, want)
		}
		if got := opts.ReadConcern.Level; got != want.read {
			t.Errorf("%s: read concern %s, want %s", uri, got, want.read)
		}
	}
}
