package config

import (
	"errors"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"revela/imaging"
	"revela/imaging/imagetest"
)

// given is a set of sources, written down shortly.
type given struct {
	file  string            // config.yaml in the working directory, if not ""
	files map[string]string // others there
	env   []string
	args  []string
}

func (g given) load(t *testing.T) (*Config, []Warning, error) {
	t.Helper()
	dir := t.TempDir()
	if g.file != "" {
		write(t, filepath.Join(dir, DefaultFile), g.file)
	}
	for name, text := range g.files {
		write(t, filepath.Join(dir, name), text)
	}
	fs := pflag.NewFlagSet("app", pflag.ContinueOnError)
	flags := AddFlags(fs)
	if err := fs.Parse(g.args); err != nil {
		t.Fatal(err)
	}
	return Load(Sources{Env: g.env, Flags: flags, Dir: dir})
}

func (g given) must(t *testing.T) *Config {
	t.Helper()
	c, _, err := g.load(t)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mistakes loads what must be refused, and returns what was found.
func (g given) mistakes(t *testing.T) []string {
	t.Helper()
	c, _, err := g.load(t)
	var bad *Error
	if !errors.As(err, &bad) || c != nil {
		t.Fatalf("got %v and error %v, expected an *Error alone", c, err)
	}
	var out []string
	for _, p := range bad.Problems {
		out = append(out, p.String())
	}
	return out
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

var ignoreOrigins = cmpopts.IgnoreUnexported(Config{})

func TestLaterLayersWin(t *testing.T) {
	t.Parallel()
	g := given{file: "queue:\n  lease: 11s\n  max_retries: 4\n  concurrency: 7\n"}
	c := g.must(t)
	if c.Queue.Lease != 11*time.Second || c.Queue.MaxRetries != 4 || c.Queue.Workers() != 7 {
		t.Errorf("the file does not win over the defaults: %+v", c.Queue)
	}
	g.env = []string{"QUEUE_LEASE=12s", "QUEUE_CONCURRENCY=8", "QUEUE_MAX_RETRIES="}
	c = g.must(t)
	if c.Queue.Lease != 12*time.Second || c.Queue.MaxRetries != 4 || c.Queue.Workers() != 8 {
		t.Errorf("the environment does not win over the file: %+v", c.Queue)
	}
	g.args = []string{"--queue-lease=13s", "--workers=0"}
	c = g.must(t)
	if c.Queue.Lease != 13*time.Second || c.Queue.MaxRetries != 4 || c.Queue.Workers() != 0 {
		t.Errorf("flags do not win over the environment: %+v", c.Queue)
	}
}

func TestEveryVariableAndFlagReachesItsField(t *testing.T) {
	t.Parallel()
	values := map[string]string{ // none is the default
		"server.host": "::1", "server.port": "0", "api.key": "0123456789abcdef", "auth.disabled": "true",
		"server.max_connections": "20", "auth.max_wrong_keys": "21",
		"shutdown.grace": "1s", "mongodb.uri": "mongodb://h", "mongodb.database": "other",
		"redis.url": "rediss://h", "redis.host": "h", "redis.port": "1", "redis.password": "p", "redis.db": "2",
		"redis.embedded": "process", "queue.prefix": "p", "queue.name": "n", "queue.concurrency": "5",
		"queue.max_retries": "6", "queue.backoff_delay": "7ms", "queue.backoff_jitter": "0.75", "queue.lease": "9s",
		"queue.max_stalled": "0", "queue.job_timeout": "11s", "queue.max_waiting": "11", "queue.remove_on_complete": "12",
		"queue.remove_on_fail": "true", "cache.task_ttl": "13s", "cache.list_ttl": "14s", "cache.count_ttl": "15s",
		"data.dir": "/d", "import.dir": "/i", "upload.max_bytes": "16MB", "image.max_pixels": "17",
		"image.memory_budget": "18GiB", "image.turbo": "off", "image.progressive": "true", "fetch.timeout": "19s", "fetch.allow_private": "true",
		"log.level": "warn", "log.format": "json",
	}
	alone := map[string][]string{ // what a setting needs beside it
		"redis.port": {"REDIS_HOST=h"}, "redis.password": {"REDIS_HOST=h"}, "redis.db": {"REDIS_HOST=h"},
	}
	for _, s := range settings {
		if s.node != nil {
			continue
		}
		value, ok := values[s.key]
		if !ok || value == s.def {
			t.Errorf("%s: this test has no value for it", s.key)
			continue
		}
		c := given{env: append(alone[s.key], s.env()+"="+value)}.must(t)
		if got := s.get(c); got != value {
			t.Errorf("%s=%s gives %q", s.env(), value, got)
		}
		if got, want := c.origins[s.key].String(), "env "+s.env(); got != want {
			t.Errorf("%s: its origin is %q, expected %q", s.key, got, want)
		}
		if s.secret != public {
			c = given{env: append(alone[s.key], s.env()+"_FILE=secret"),
				files: map[string]string{"secret": value + "\r\n"}}.must(t)
			if got := s.get(c); got != value {
				t.Errorf("%s_FILE gives %q, expected %q", s.env(), got, value)
			}
			continue
		}
		c = given{env: alone[s.key], args: []string{"--" + s.flagName() + "=" + value}}.must(t)
		if got := s.get(c); got != value {
			t.Errorf("--%s=%s gives %q", s.flagName(), value, got)
		}
	}
}

func TestNamedFile(t *testing.T) {
	t.Parallel()
	g := given{
		file:  "server: {port: 1}",
		files: map[string]string{"env.yaml": "server: {port: 2}", "flag.yaml": "server: {port: 3}"},
	}
	for _, step := range []struct {
		port int
		add  func()
	}{
		{1, func() {}},
		{2, func() { g.env = []string{"CONFIG_FILE=env.yaml"} }},
		{3, func() { g.args = []string{"--config", "flag.yaml"} }},
	} {
		step.add()
		if got := g.must(t).Server.Port; got != step.port {
			t.Errorf("port %d, expected %d", got, step.port)
		}
	}
}

func TestPathsBecomeAbsolute(t *testing.T) {
	t.Parallel()
	c := given{env: []string{"DATA_DIR=some/where", "IMPORT_DIR=./in"}}.must(t)
	if !filepath.IsAbs(c.Data.Dir) || !strings.HasSuffix(c.Data.Dir, filepath.Join("some", "where")) {
		t.Errorf("DATA_DIR is %q", c.Data.Dir)
	}
	if !filepath.IsAbs(c.Data.ImportDir) || filepath.Base(c.Data.ImportDir) != "in" {
		t.Errorf("IMPORT_DIR is %q", c.Data.ImportDir)
	}
}

func TestEmptyFilesAreFine(t *testing.T) {
	t.Parallel()
	want := Default()
	for _, file := range []string{"# nothing\n", "\n", "---\n", "server: {}\n"} {
		got := given{file: file}.must(t)
		got.Data.Dir = want.Data.Dir
		if diff := cmp.Diff(want, got, ignoreOrigins); diff != "" {
			t.Errorf("%q changes something (-want +got):\n%s", file, diff)
		}
	}
}

func TestVariants(t *testing.T) {
	t.Parallel()
	list := []imaging.Variant{{Name: "320", Width: 320, Quality: 85}, {Name: "big", Width: 2048, Quality: 90}}
	for file, want := range map[string]map[string][]imaging.Variant{
		`
image:
  variants:
    - width: 320
    - {name: big, width: 2048, quality: 90}
`: {"default": list},
		`
image:
  variants:
    default:
      - width: 320
      - {name: big, width: 2048, quality: 90}
    thumbs: [{width: 64}]
`: {"default": list, "thumbs": {{Name: "64", Width: 64, Quality: 85}}},
	} {
		c := given{file: file}.must(t)
		if diff := cmp.Diff(want, c.Image.Variants); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		// What Show writes is read as the same.
		again := given{file: "image: {variants: " + showSets(c.Image.Variants) + "}\n"}.must(t)
		if diff := cmp.Diff(want, again.Image.Variants); diff != "" {
			t.Errorf("shown and read again (-want +got):\n%s", diff)
		}
	}
}

// Every field of a variant, and its way through Show.
func TestVariantInFull(t *testing.T) {
	t.Parallel()
	files := map[string]string{"logo.png": string(imagetest.PNG(imagetest.Corners(4, 2)))}
	c := given{files: files, file: `
image:
  variants:
    default:
      - width: 200
        height: 100
        fit: cover
        gravity: attention
        format: webp
        quality: 70
        background: "#0a0B0c"
        sharpen: 0.5
        watermark: {file: logo.png, position: northwest, opacity: 0.25, scale: 0.3}
      - {height: 50, format: original, watermark: {file: logo.png}}
`}.must(t)
	logo := imagetest.Corners(4, 2)
	want := []imaging.Variant{
		{
			Name: "200x100", Width: 200, Height: 100, Fit: imaging.Cover, Gravity: imaging.Attention,
			Format: imaging.WebP, Quality: 70, Background: &color.NRGBA{10, 11, 12, 255}, Sharpen: 0.5,
			Watermark: &imaging.Watermark{File: "logo.png", Image: logo, Position: imaging.NorthWest, Opacity: 0.25, Scale: 0.3},
		},
		{
			Name: "x50", Height: 50, Quality: 85,
			Watermark: &imaging.Watermark{File: "logo.png", Image: logo, Position: imaging.SouthEast, Opacity: 1, Scale: 0.2},
		},
	}
	if diff := cmp.Diff(want, c.Image.Variants["default"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, v := range want {
		if err := v.Validate(); err != nil {
			t.Errorf("what was accepted is refused later: %v", err)
		}
	}
	again := given{files: files, file: "image: {variants: " + showSets(c.Image.Variants) + "}\n"}.must(t)
	if diff := cmp.Diff(c.Image.Variants, again.Image.Variants); diff != "" {
		t.Errorf("shown and read again (-want +got):\n%s", diff)
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.3.2.1": true, "::1": true, "localhost": true, "LOCALHOST": true,
		"::ffff:127.0.0.1": true, "0.0.0.0": false, "::": false, "10.0.0.1": false, "example.org": false,
		"localhost.example.org": false,
	} {
		if got := (Server{Host: host}).Loopback(); got != want {
			t.Errorf("%s: %v, expected %v", host, got, want)
		}
	}
}
