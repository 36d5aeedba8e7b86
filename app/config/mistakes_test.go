package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMistakes holds each refusal to its full text: that text is what a person
// has to work with.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		given
		want []string
	}{
		"unknown key": {
			given{file: "queue:\n  maxRetries: 3\n"},
			[]string{`config.yaml:2: queue.maxRetries is not a setting (did you mean "queue.max_retries"?)`},
		},
		"unknown key, nothing near": {
			given{file: "queue:\n  colour: red\n"},
			[]string{`config.yaml:2: queue.colour is not a setting`},
		},
		"unknown section": {
			given{file: "sever:\n  port: 3000\n"},
			[]string{`config.yaml:1: sever is not a setting (did you mean "server"?)`},
		},
		"variable as key": {
			given{file: "QUEUE_LEASE: 10s\n"},
			[]string{`config.yaml:1: QUEUE_LEASE is not a setting (did you mean "queue.lease"?)`},
		},
		"key twice": {
			given{file: "queue:\n  lease: 10s\n  lease: 11s\n"},
			[]string{`config.yaml:3: queue.lease is set twice, first at line 2`},
		},
		"section twice": {
			given{file: "queue:\n  lease: 10s\nlog:\n  level: info\nqueue:\n  max_retries: 3\n"},
			[]string{`config.yaml:5: queue is set twice, first at line 1`},
		},
		"section without settings": {
			given{file: "queue: 3\n"},
			[]string{`config.yaml:1: queue is a section, expected settings below it`},
		},
		"no value": {
			given{file: "queue:\n  lease:\n"},
			[]string{`config.yaml:2: queue.lease is not a plain value, expected a duration with its unit from 1s to 10m, such as 1500ms, 10s or 2m`},
		},
		"list for a value": {
			given{file: "log: {level: [info]}\n"},
			[]string{`config.yaml:1: log.level is not a plain value, expected debug, info, warn or error`},
		},
		"alias": {
			given{file: "log: {level: &a info, format: *a}\n"},
			[]string{
				`config.yaml:1: log.level is not a plain value, expected debug, info, warn or error`,
				`config.yaml:1: log.format is not a plain value, expected auto, console or json`,
			},
		},
		"not YAML": {
			given{file: "server:\n  host: [\n"},
			[]string{`config.yaml:2:9: is not YAML`},
		},
		"not a mapping": {
			given{file: "- server\n"},
			[]string{`config.yaml:1: is not a mapping of sections such as "server:"`},
		},
		"two documents": {
			given{file: "server: {port: 1}\n---\nserver: {port: 2}\n"},
			[]string{`config.yaml:3: begins a second document, expected one`},
		},
		"missing file": {
			given{env: []string{"CONFIG_FILE=none.yaml"}},
			[]string{`CONFIG_FILE names a file that cannot be read: none.yaml: no such file or directory`},
		},
		"missing file by flag": {
			given{args: []string{"--config=none.yaml"}},
			[]string{`--config names a file that cannot be read: none.yaml: no such file or directory`},
		},
		"bad values": {
			given{
				file: "server:\n  port: 70000\n",
				env:  []string{"QUEUE_LEASE=10", "QUEUE_BACKOFF_JITTER=1.5", "LOG_LEVEL=verbose", "QUEUE_REMOVE_ON_FAIL=yes"},
				args: []string{"--workers=-1", "--upload-max-bytes=lots"},
			},
			[]string{
				`config.yaml:2: server.port is "70000", expected a whole number from 0 to 65535`,
				`QUEUE_BACKOFF_JITTER is "1.5", expected a number from 0 to 1, such as 0.2`,
				`QUEUE_LEASE is "10", expected a duration with its unit from 1s to 10m, such as 1500ms, 10s or 2m`,
				`QUEUE_REMOVE_ON_FAIL is "yes", expected true, false, the number of jobs to keep, how long to keep them, or both, such as 1000,24h`,
				`LOG_LEVEL is "verbose", expected debug, info, warn or error`,
				`--workers is "-1", expected auto, or a whole number from 0 to 1024`,
				`--upload-max-bytes is "lots", expected a size from 1 to 1TiB, in bytes or with a unit, such as 32MiB or 500MB`,
			},
		},
		"a service's link": {
			given{env: []string{"REDIS_HOST=redis", "REDIS_PORT=tcp://10.0.0.1:6379"}},
			[]string{`REDIS_PORT is an address, not a number; Kubernetes and container links set such variables for a service of that name (enableServiceLinks: false turns it off)`},
		},
		"public without a key": {
			given{env: []string{"SERVER_HOST=0.0.0.0"}},
			[]string{`SERVER_HOST is "0.0.0.0", which other machines can reach, and there is no API_KEY; set one, or AUTH_DISABLED=true if something in front asks who is there`},
		},
		"key and no key": {
			given{env: []string{"API_KEY=0123456789abcdef", "AUTH_DISABLED=true"}},
			[]string{`AUTH_DISABLED is true although there is an API_KEY, expected one of the two`},
		},
		"URL and host": {
			given{file: "redis:\n  host: h\n", env: []string{"REDIS_URL=redis://h"}},
			[]string{`config.yaml:2: redis.host is set together with a Redis URL, expected either the URL or host, port, password and database`},
		},
		"port of nothing": {
			given{env: []string{"REDIS_PORT=6380"}},
			[]string{`REDIS_PORT is set, but neither REDIS_HOST nor REDIS_URL is, so it would have no effect`},
		},
		"budget below one picture": {
			given{env: []string{"IMAGE_MEMORY_BUDGET=64MiB"}},
			[]string{`IMAGE_MEMORY_BUDGET is 64MiB, less than one picture of 50000000 pixels needs (8 bytes each)`},
		},
		"imports from the data": {
			given{env: []string{"DATA_DIR=/srv/data", "IMPORT_DIR=/srv"}},
			[]string{`IMPORT_DIR is "/srv", which overlaps DATA_DIR "/srv/data", expected a directory of its own`},
		},
		"both of the twins": {
			given{env: []string{"API_KEY=0123456789abcdef", "API_KEY_FILE=f", "SERVER_HOST=0.0.0.0"}},
			[]string{`API_KEY and API_KEY_FILE are both set, expected one`},
		},
		"missing secret": {
			given{env: []string{"MONGODB_URI_FILE=f"}},
			[]string{`MONGODB_URI_FILE names a file that cannot be read: f: no such file or directory`},
		},
		"empty secret": {
			given{env: []string{"REDIS_PASSWORD_FILE=f"}, files: map[string]string{"f": "\n"}},
			[]string{`REDIS_PASSWORD_FILE names an empty file: f`},
		},
		"shown secret": {
			given{file: "api:\n  key: (hidden)\nmongodb:\n  uri: mongodb://u:xxxxx@h\n"},
			[]string{
				`config.yaml:2: api.key is what stands for a secret when the configuration is shown, expected the secret itself`,
				`config.yaml:4: mongodb.uri is what stands for a secret when the configuration is shown, expected the secret itself`,
			},
		},
		"variants": {
			given{file: `image:
  variants:
    - {width: 0}
    - {name: a/b, width: 10}
    - {width: 10, quality: 101, hight: 3}
    - {name: c}
    - {width: 10, width: 11}
    - 12
`},
			[]string{
				`config.yaml:3: image.variants has in number 1 of the set default the width "0", expected 1 to 16384 pixels`,
				`config.yaml:4: image.variants has in number 2 of the set default the name "a/b", expected 1 to 64 letters, digits, "-" and "_"`,
				`config.yaml:5: image.variants has in 10 of the set default the quality "101", expected 1 to 100`,
				`config.yaml:5: image.variants has in 10 of the set default the unknown field "hight" (did you mean "height"?), expected name, width, height, fit, gravity, format, quality, background, sharpen or watermark`,
				`config.yaml:6: image.variants has in c of the set default neither a width nor a height`,
				`config.yaml:7: image.variants has in 10 of the set default width twice in one variant`,
				`config.yaml:7: image.variants has two variants named "10" in one set, the first at line 5`,
				`config.yaml:8: image.variants has in number 6 of the set default a variant that is not a mapping of name, width, height, fit, gravity, format, quality, background, sharpen or watermark`,
			},
		},
		"variants of one name": {
			given{file: "image:\n  variants:\n  - {width: 10}\n  - {width: 10}\n"},
			[]string{`config.yaml:4: image.variants has two variants named "10" in one set, the first at line 3`},
		},
		"too many variants": {
			given{file: "image:\n  variants:\n" + strings.Repeat("  - {width: 0}\n", 17)},
			append([]string{`config.yaml:3: image.variants has in the set "default" 17 variants, expected 1 to 16`}, zeros(17)...),
		},
		"no variants": {
			given{file: "image: {variants: []}\n"},
			[]string{`config.yaml:1: image.variants has in the set "default" no list of 1 to 16 variants such as {width: 800}`},
		},
		"sets of variants": {
			given{file: `image:
  variants:
    a/b: [{width: 1}]
    thumbs: [{width: 0}]
    small: {width: 3}
    thumbs: [{width: 1}]
`},
			[]string{
				`config.yaml:3: image.variants has a set named "a/b", expected 1 to 64 letters, digits, "-" and "_"`,
				`config.yaml:4: image.variants has in number 1 of the set thumbs the width "0", expected 1 to 16384 pixels`,
				`config.yaml:5: image.variants has in the set "small" no list of 1 to 16 variants such as {width: 800}`,
				`config.yaml:6: image.variants has two sets named "thumbs", the first at line 4`,
				`config.yaml:3: image.variants has no set named "default", which is for those who name none`,
			},
		},
		"what variants ask for": {
			given{file: `image:
  variants:
    - {width: 10, fit: cover}
    - {width: 10, height: 10, fit: big, gravity: up, format: gif, background: white, sharpen: -1}
    - {name: n, width: 10, fit: fill, gravity: north}
    - {width: 11, watermark: logo.png}
    - {width: 12, watermark: {position: attention, opacity: 0, scale: 1.5}}
    - {height: 20000}
`},
			[]string{
				`config.yaml:3: image.variants has in 10 of the set default the fit cover, which takes both a width and a height`,
				`config.yaml:4: image.variants has in 10x10 of the set default the fit "big", expected inside, cover or fill`,
				`config.yaml:4: image.variants has in 10x10 of the set default the gravity "up", expected centre, north, northeast, east, southeast, south, southwest, west, northwest, entropy or attention`,
				`config.yaml:4: image.variants has in 10x10 of the set default the format "gif", expected original, jpeg, png, webp or avif`,
				`config.yaml:4: image.variants has in 10x10 of the set default the background "white", expected a colour of six hexadecimal digits such as "ffffff"`,
				`config.yaml:4: image.variants has in 10x10 of the set default the sharpen "-1", expected 0 to 5`,
				`config.yaml:5: image.variants has in n of the set default the fit fill, which takes both a width and a height`,
				`config.yaml:5: image.variants has in n of the set default a gravity, which is only for the fit cover`,
				`config.yaml:6: image.variants has in 11 of the set default a watermark that is not a mapping of file, position, opacity or scale`,
				`config.yaml:7: image.variants has in 12 of the set default the position "attention", expected centre, north, northeast, east, southeast, south, southwest, west or northwest`,
				`config.yaml:7: image.variants has in 12 of the set default the opacity "0", expected a number above 0, up to 1`,
				`config.yaml:7: image.variants has in 12 of the set default the scale "1.5", expected a number above 0, up to 1`,
				`config.yaml:7: image.variants has in 12 of the set default a watermark without a file`,
				`config.yaml:8: image.variants has in number 6 of the set default the height "20000", expected 1 to 16384 pixels`,
			},
		},
		"watermarks that cannot be read": {
			given{file: `image:
  variants:
    - {width: 10, watermark: {file: empty.png}}
    - {width: 20, quality: 0, watermark: {file: none.png}}
`, files: map[string]string{"empty.png": ""}},
			[]string{
				`config.yaml:4: image.variants has in 20 of the set default the quality "0", expected 1 to 100`,
				`config.yaml:3: image.variants has in 10 of the set default a watermark "empty.png" that cannot be used: the file is empty`,
				`config.yaml:3: image.variants has in 20 of the set default a watermark "none.png" that cannot be used: no such file or directory`,
			},
		},
		"variants that are a number": {
			given{file: "image: {variants: 3}\n"},
			[]string{`config.yaml:1: image.variants is not a list of variants, nor a mapping of 1 to 64 names to such lists`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, test.mistakes(t)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		given
		want bool
	}{
		{given{args: []string{"--workers=x"}}, true},
		{given{args: []string{"--config=none.yaml"}}, true},
		{given{env: []string{"LOG_LEVEL=x"}}, false},
		{given{env: []string{"LOG_LEVEL=x"}, args: []string{"--workers=x"}}, false},
	} {
		_, _, err := test.load(t)
		var bad *Error
		if !errors.As(err, &bad) || bad.Usage() != test.want {
			t.Errorf("%+v: %v: usage should be %v", test.given, err, test.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	one := &Error{[]Problem{{Where: "A", What: "is wrong"}}}
	if got, want := one.Error(), "the configuration has a mistake: A is wrong"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
	two := &Error{append(one.Problems, Problem{Where: "B", What: "is too"})}
	if got, want := two.Error(), "the configuration has 2 mistakes:\n  - A is wrong\n  - B is too"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
}

func TestSecretsAreNeverTold(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, s := range settings {
		if s.secret == public {
			continue
		}
		beside := []string{}
		if s.key == "redis.password" {
			beside = append(beside, "REDIS_HOST=h")
		}
		for _, value := range []string{
			secret, secret + " " + secret, "redis://:" + secret + "@h", "mongodb://u:" + secret + "@h,i/?tls=true",
			"ftp://" + secret, "redis://" + secret + "@h", "mongodb://h/?tlsCertificateKeyFilePassword=" + secret,
			"redis://:a@" + secret + "@h",
		} {
			quoted := `"` + value + `"`
			for _, g := range []given{
				{env: append(beside, s.env()+"="+value)},
				{env: append(beside, s.env()+"_FILE=f"), files: map[string]string{"f": value}},
				{env: beside, file: s.section() + ":\n  " + strings.TrimPrefix(s.key, s.section()+".") + ": " + quoted + "\n"},
				{env: beside, file: s.section() + ":\n  " + strings.TrimPrefix(s.key, s.section()+".") + ": [" + quoted + "\n"},
			} {
				c, warnings, err := g.load(t)
				var told strings.Builder
				if err != nil {
					told.WriteString(err.Error())
				} else if err := c.Show(&told); err != nil {
					t.Fatal(err)
				}
				for _, w := range warnings {
					told.WriteString(string(w))
				}
				if strings.Contains(told.String(), secret) {
					t.Errorf("%+v tells the secret:\n%s", g, told.String())
				}
			}
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	_, got, err := given{env: []string{
		"API_KEY=short",
		"QUEUE_MAX_RETRYS=3", "REDIS_PASWORD_FILE=f", "CONFIG_FIEL=x", // misspelled
		"QUEUE_URL=x", "LOG_STREAM=y", "PATH=/bin", "CACHE_TASK_TTL=61s", "REDIS_PORTS=", // fine
	}}.load(t)
	if err != nil {
		t.Fatal(err)
	}
	want := []Warning{
		"the variable CONFIG_FIEL is not read (did you mean CONFIG_FILE?)",
		"the variable QUEUE_MAX_RETRYS is not read (did you mean QUEUE_MAX_RETRIES?)",
		"the variable REDIS_PASWORD_FILE is not read (did you mean REDIS_PASSWORD_FILE?)",
		"the API key has only 5 characters; 32 random ones cannot be guessed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// zeros are the mistakes of n variants of no width, a line each from line 3.
func zeros(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf(`config.yaml:%d: image.variants has in number %d of the set default the width "0", expected 1 to 16384 pixels`, 3+i, 1+i))
	}
	return out
}
