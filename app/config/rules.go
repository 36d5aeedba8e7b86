package config

import (
	"fmt"
	"path/filepath"
	"strings"
)

// bytesPerPixel is the most that a pixel takes when decoded: 16 bits a channel.
const bytesPerPixel = 8

// weakKey is the length in characters below which an API key is guessable.
const weakKey = 16

// rules checks what settings mean to each other. A rule over a setting that is
// wrong by itself is passed over: its finding would be about the default.
func (l *loader) rules() {
	c := l.config
	l.rule(!c.Server.Loopback() && c.Server.APIKey == "" && !c.Server.AuthDisabled,
		fmt.Sprintf("is %q, which other machines can reach, and there is no API_KEY; set one, "+
			"or AUTH_DISABLED=true if something in front asks who is there", c.Server.Host),
		"server.host", "api.key", "auth.disabled")
	l.rule(c.Server.APIKey != "" && c.Server.AuthDisabled,
		"is true although there is an API_KEY, expected one of the two",
		"auth.disabled", "api.key")

	for _, key := range []string{"redis.host", "redis.port", "redis.password", "redis.db"} {
		s, _ := find(key)
		given := s.get(c) != s.def
		l.rule(given && c.Redis.URL != "",
			"is set together with a Redis URL, expected either the URL or host, port, password and database",
			key, "redis.url")
		l.rule(given && c.Redis.IsEmbedded(),
			"is set, but neither REDIS_HOST nor REDIS_URL is, so it would have no effect",
			key, "redis.url", "redis.host")
	}

	l.rule(c.Image.MemoryBudget/bytesPerPixel < c.Image.MaxPixels,
		fmt.Sprintf("is %s, less than one picture of %d pixels needs (%d bytes each)",
			formatSize(c.Image.MemoryBudget), c.Image.MaxPixels, bytesPerPixel),
		"image.memory_budget", "image.max_pixels")

	l.rule(c.Data.ImportDir != "" && (within(c.Data.ImportDir, c.Data.Dir) || within(c.Data.Dir, c.Data.ImportDir)),
		fmt.Sprintf("is %q, which overlaps DATA_DIR %q, expected a directory of its own", c.Data.ImportDir, c.Data.Dir),
		"import.dir", "data.dir")

	if n := len(c.Server.APIKey); n > 0 && n < weakKey {
		l.warn(fmt.Sprintf("the API key has only %d characters; 32 random ones cannot be guessed", n))
	}
}

// rule adds a mistake about the first of keys, unless one of them is broken.
func (l *loader) rule(violated bool, what string, keys ...string) {
	if !violated {
		return
	}
	for _, k := range keys {
		if l.broken[k] {
			return
		}
	}
	where := keys[0]
	from := l.config.origins[where]
	switch from.layer {
	case layerFile:
		where = from.name + ": " + where
	case layerEnv, layerFlag:
		where = from.name
	}
	l.add(where, what, from.layer == layerFlag)
}

// within reports whether path is dir or lies below it; both are absolute.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
