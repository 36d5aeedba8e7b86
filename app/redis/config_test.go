package redis

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  string
		want target
	}{
		{"redis://localhost", target{kind: kindSingle, addrs: []string{"localhost:6379"}}},
		{"redis://h:1/", target{kind: kindSingle, addrs: []string{"h:1"}}},
		{"redis://:p%40s%2Fs@h:1/3", target{kind: kindSingle, addrs: []string{"h:1"}, password: "p@s/s", db: 3, hasDB: true}},
		{"rediss://u:p:q@[::1]:7", target{kind: kindSingle, tls: true, addrs: []string{"[::1]:7"}, user: "u", password: "p:q"}},
		{"redis://[fe80::1]", target{kind: kindSingle, addrs: []string{"[fe80::1]:6379"}}},
		{"redis://a,b:2,c", target{kind: kindCluster, addrs: []string{"a:6379", "b:2", "c:6379"}}},
		{"valkeys://a,b", target{kind: kindCluster, tls: true, addrs: []string{"a:6379", "b:6379"}}},
		{"redis-sentinel://a,b:2/main", target{kind: kindSentinel, addrs: []string{"a:26379", "b:2"}, master: "main"}},
		{"rediss+sentinel://u:p@a/main/4?sentinel_password=s%26&sentinel_username=w", target{
			kind: kindSentinel, tls: true, addrs: []string{"a:26379"}, master: "main", db: 4, hasDB: true,
			user: "u", password: "p", sentinelUser: "w", sentinelPassword: "s&",
		}},
		{"unix:///run/r.sock?db=2", target{kind: kindUnix, addrs: []string{"/run/r.sock"}, db: 2, hasDB: true}},
		{"unix://:pw@/run/r.sock", target{kind: kindUnix, addrs: []string{"/run/r.sock"}, password: "pw"}},
	} {
		got, err := parseURL(tt.url)
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(target{})); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.url, diff)
		}
	}
}

func TestValidateNamesEveryMistakeAndNoSecret(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		cfg  Config
		want []string // each must be in the error
	}{
		{"several at once", Config{DataDir: "d", Host: "h", Port: 70000, DB: -1, Embedded: "maybe"},
			[]string{"REDIS_PORT: 70000", "REDIS_DB: -1", `"maybe"`}},
		{"url and host", Config{URL: "redis://a", Host: "b"}, []string{"REDIS_URL and REDIS_HOST"}},
		{"two passwords", Config{URL: "redis://:hush@a", Password: "hush2"}, []string{"REDIS_PASSWORD differs"}},
		{"two databases", Config{URL: "redis://a/1", DB: 2}, []string{"REDIS_DB: 2 differs"}},
		{"no server for the password", Config{DataDir: "d", Password: "hush"}, []string{"neither REDIS_URL nor REDIS_HOST"}},
		{"no folder", Config{}, []string{"DATA_DIR"}},
		{"embedded database", Config{DataDir: "d", DB: 16}, []string{"0 to 15"}},
		{"host list", Config{Host: "a,b"}, []string{"REDIS_HOST", "REDIS_URL"}},
		{"cluster database", Config{URL: "redis://a,b", DB: 1}, []string{"cluster", "database 0"}},
		{"no scheme", Config{URL: "hush@localhost:6379"}, []string{"redis://host:port"}},
		{"scheme", Config{URL: "http://:hush@a"}, []string{`"http"`}},
		{"user alone", Config{URL: "redis://hush@a"}, []string{"redis://:password@host"}},
		{"port", Config{URL: "redis://:hush@a:b"}, []string{`"a:b"`}},
		{"no host", Config{URL: "redis://:hush@"}, []string{"host is missing"}},
		{"bare v6", Config{URL: "redis://fe80::1:x:6379"}, []string{"brackets"}},
		{"slash in the password", Config{URL: "redis://:hu/hush@a:1"}, []string{"percent-encoded"}},
		{"hash in the password", Config{URL: "redis://:hu#hush@a:1"}, []string{"percent-encoded"}},
		{"question in the password", Config{URL: "redis://:hu?hush@a:1"}, []string{"percent-encoded"}},
		{"bad escape", Config{URL: "redis://:%zzhush@a:1"}, []string{"percent-encoded"}},
		{"database", Config{URL: "redis://:hush@a/x"}, []string{`"x"`}},
		{"parameter", Config{URL: "redis://:hush@a?timeout=1"}, []string{`"timeout"`}},
		{"no master", Config{URL: "redis-sentinel://:hush@a"}, []string{"master set"}},
		{"unix host", Config{URL: "unix://run/r.sock"}, []string{"unix:///"}},
	} {
		err := tt.cfg.Validate()
		if err == nil {
			t.Errorf("%s: accepted", tt.name)
			continue
		}
		for _, w := range tt.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %q", tt.name, err, w)
			}
		}
		if strings.Contains(err.Error(), "hu") {
			t.Errorf("%s: %q shows the password", tt.name, err)
		}
	}
}

func TestValidateAcceptsOnePlaceOrNone(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{
		{DataDir: "data"},
		{DataDir: "data", DB: 15, Embedded: EmbeddedProcess},
		{Host: "::1", Port: 1, Password: "p", DB: 99},
		{URL: "redis://h", Password: "p", DB: 1},
		{URL: "redis://u@h", Password: "p"},
		{URL: "redis://:p@h/1", Password: "p", DB: 1},
	} {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	for v, ok := range map[string]bool{"": true, "6.2.0": true, "7": true, "10.0.1": true, "6.0.16": false, "5.0.7": false} {
		if err := checkVersion(v); (err == nil) != ok {
			t.Errorf("version %q: %v", v, err)
		}
	}
}
