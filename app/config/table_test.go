package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the repository's root, where config.yaml is.
const root = "../.."

// TestFileDocumentsTheDefaults holds config.yaml to the code.
func TestFileDocumentsTheDefaults(t *testing.T) {
	t.Parallel()
	documented, warnings, err := Load(Sources{Dir: root})
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	built, _, err := Load(Sources{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	built.Data.Dir = documented.Data.Dir
	if diff := cmp.Diff(built, documented, ignoreOrigins); diff != "" {
		t.Errorf("config.yaml differs from the defaults (-code +file):\n%s", diff)
	}
	text, err := os.ReadFile(filepath.Join(root, DefaultFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range settings {
		if documented.origins[s.key].layer != layerFile {
			t.Errorf("config.yaml does not set %s", s.key)
		}
		if !strings.Contains(string(text), s.env()) {
			t.Errorf("config.yaml does not name %s", s.env())
		}
		if s.secret != public && s.key != "api.key" && !strings.Contains(string(text), s.env()+fileSuffix) {
			t.Errorf("config.yaml does not name %s", s.env()+fileSuffix)
		}
	}
}

// TestPromisedVariables lists what the outside relies on.
func TestPromisedVariables(t *testing.T) {
	t.Parallel()
	promised := map[string]string{
		"SERVER_HOST": "127.0.0.1", "SERVER_PORT": "3000", "API_KEY": "", "AUTH_DISABLED": "false",
		"MONGODB_URI": "", "MONGODB_DATABASE": "revela",
		"REDIS_URL": "", "REDIS_HOST": "", "REDIS_PORT": "6379", "REDIS_PASSWORD": "", "REDIS_DB": "0",
		"QUEUE_PREFIX": "bull", "QUEUE_NAME": "image-processing", "QUEUE_CONCURRENCY": "auto",
		"QUEUE_MAX_RETRIES": "3", "QUEUE_BACKOFF_DELAY": "2s", "QUEUE_BACKOFF_JITTER": "0.2",
		"QUEUE_LEASE": "10s", "QUEUE_MAX_STALLED": "2", "QUEUE_JOB_TIMEOUT": "2m",
		"QUEUE_REMOVE_ON_COMPLETE": "true", "QUEUE_REMOVE_ON_FAIL": "false",
		"CACHE_TASK_TTL": "60s", "CACHE_LIST_TTL": "30s", "CACHE_COUNT_TTL": "45s",
		"DATA_DIR": "./data", "UPLOAD_MAX_BYTES": "32MiB", "IMAGE_MAX_PIXELS": "50000000",
		"LOG_LEVEL": "info", "LOG_FORMAT": "auto",
	}
	found := map[string]string{}
	for _, s := range settings {
		if _, ok := promised[s.env()]; ok {
			found[s.env()] = s.def
		}
	}
	if diff := cmp.Diff(promised, found); diff != "" {
		t.Errorf("(-promised +found):\n%s", diff)
	}
}

func TestNamesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]string{"--config": "the file", fileEnv: "the file"}
	for _, s := range settings {
		if s.help == "" || s.expect == "" {
			t.Errorf("%s has no help or says nothing of what it expects", s.key)
		}
		if s.section() == s.key || isSection(s.key) {
			t.Errorf("%s is not in a section", s.key)
		}
		for _, name := range []string{s.key, s.env(), "--" + s.flagName()} {
			if other, taken := seen[name]; taken && name != "" && name != "--" {
				t.Errorf("%s is both %s and %s", name, other, s.key)
			}
			seen[name] = s.key
		}
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for key, values := range map[string]map[string]string{ // text to text, "!" is refused
		"server.host": {
			"0.0.0.0": "0.0.0.0", "[::1]": "::1", "example.org": "example.org", "a_b": "a_b",
			"": "!", "1.2.3": "!", "1.2.3.4.5": "!", "host:80": "!", "[::1]:80": "!", "http://h": "!", "a b": "!", "*": "!",
		},
		"server.port": {"0": "0", "65535": "65535", "65536": "!", "-1": "!", "+1": "!", "1e3": "!", "": "!", " 1": "!", "0x1": "!"},
		"queue.lease": {
			"1s": "1s", "90s": "1m30s", "60s": "1m", "10m": "10m", "1.5s": "1.5s", "1500ms": "1.5s",
			"999ms": "!", "10": "!", "601s": "!", "-5s": "!", "+5s": "!", "": "!", "5 s": "!",
		},
		"queue.job_timeout":    {"3600s": "1h", "24h": "24h", "1h30m": "1h30m", "25h": "!"},
		"queue.remove_on_fail": {"true": "true", "0": "true", "false": "false", "100": "100", "24h": "24h", "1000,24h": "1000,24h", "7, 90m": "7,1h30m", "-1": "!", "no": "!", "": "!", "0s": "!", "24h,7": "!", "7,": "!"},
		"queue.backoff_jitter": {"0": "0", "1": "1", "0.25": "0.25", "1.01": "!", "NaN": "!", "-0.1": "!", "1e-1": "!", ".5": "!"},
		"queue.concurrency":    {"auto": "auto", "0": "0", "1024": "1024", "1025": "!", "-1": "!", "": "!"},
		"queue.name":           {"a-b.c_D": "a-b.c_D", "a:b": "!", "{a}": "!", "": "!", strings.Repeat("a", 65): "!"},
		"upload.max_bytes": {
			"33554432": "32MiB", "32MiB": "32MiB", "32mib": "!", "32 MiB": "32MiB", "32MB": "32MB", "32M": "32MB", "1.5GiB": "1536MiB",
			"1000": "1kB", "1025": "1025", "1B": "1", "0": "!", "-1": "!", "1,000": "!", "2TiB": "!", "MiB": "!", "": "!", "1e6": "!",
		},
		"image.max_pixels": {"50000000": "50000000", "50MP": "50000000", "0": "!", "4295MP": "!", "999999999999999MP": "!", "50 MP": "!", "": "!"},
		"api.key":          {"": "", "abc": "abc", "a b": "!", "a\nb": "!", "ä": "!", strings.Repeat("k", 513): "!"},
		"redis.url": {
			"": "", "redis://h": "redis://h", "redis-sentinel://a,b/m": "redis-sentinel://a,b/m", "unix:///run/r.sock": "unix:///run/r.sock",
			"h:6379": "!", "http://h": "!", "redis://": "!",
		},
		"auth.disabled": {"true": "true", "false": "false", "True": "!", "1": "!", "": "!"},
		"data.dir":      {"/a": "/a", "b c": "b c", "": "!", "a\x00b": "!"},
	} {
		s, ok := find(key)
		if !ok {
			t.Fatalf("no setting %s", key)
		}
		for text, want := range values {
			c := Default()
			before := s.get(c)
			if err := s.set(c, text); err != nil {
				if want != "!" || s.get(c) != before {
					t.Errorf("%s %q is refused (%v) and leaves %q", key, text, err, s.get(c))
				}
			} else if got := s.get(c); got != want {
				t.Errorf("%s %q gives %q, expected %q", key, text, got, want)
			}
		}
	}
}

// FuzzSetting: a value that is accepted and written is accepted again and is
// the same.
func FuzzSetting(f *testing.F) {
	for i, s := range settings {
		f.Add(i, s.def)
	}
	f.Fuzz(func(t *testing.T, i int, text string) {
		if i < 0 || i >= len(settings) {
			return
		}
		s, c := settings[i], Default()
		if s.set(c, text) != nil {
			return
		}
		once := s.get(c)
		if err := s.set(c, once); err != nil || s.get(c) != once {
			t.Errorf("%s: %q is written as %q, which gives %v, %q", s.key, text, once, err, s.get(c))
		}
	})
}
