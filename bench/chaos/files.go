package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// results holds completed tasks to their files.
func (v *verdict) results(records []record, data string) error {
	bad, surplus := 0, 0
	for _, r := range records {
		named := map[string]bool{}
		for _, img := range r.images {
			b, err := os.ReadFile(filepath.Join(data, img.Path))
			if sum := md5.Sum(b); err != nil || hex.EncodeToString(sum[:]) != img.MD5 {
				bad++
			}
			named[filepath.Join(data, img.Path)] = true
		}
		if want := 2; r.status == "completed" && len(named) != want {
			bad++
		}
		there, err := filepath.Glob(filepath.Join(data, "output", r.id, "*", "[^.]*"))
		if err != nil {
			return err
		}
		for _, name := range there {
			if r.status == "completed" && !named[name] {
				surplus++
			}
		}
	}
	v.promise("bad results", bad, "each completed task has both variants, with the checksums that its record names")
	v.promise("second results", surplus, "a run that was repeated made the same files")
	return nil
}

// sweep makes what the storm left an hour older, which is when files of crashes
// are removed, lets one more process remove them, and counts again.
func (v *verdict) sweep(ctx context.Context, app, data, logs, redisURL string) error {
	left, err := hidden(data, time.Now().Add(-2*time.Hour))
	if err != nil {
		return err
	}
	v.note("temporary files", left, "left by kills, before the Sweeper saw them")
	if left > 0 {
		left, err = afterSweep(ctx, left, app, data, logs, redisURL)
	}
	v.promise("left temporary files", left, "what kills left of uploads and results is removed once it is an hour old")
	return err
}

// afterSweep starts a process, whose Sweeper has a minute to remove what is left,
// and counts again.
func afterSweep(ctx context.Context, left int, app, data, logs, redisURL string) (int, error) {
	p, err := launch(app, []string{"serve", "--workers=0"}, []string{"DATA_DIR=" + data, "REDIS_URL=" + redisURL}, filepath.Join(logs, "sweep.log"))
	if err != nil {
		return left, err
	}
	within, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for left > 0 && err == nil && every(within, 100*time.Millisecond) {
		left, err = hidden(data, time.Time{})
	}
	if code := p.terminate(time.Minute); code != 0 {
		err = errors.Join(err, fmt.Errorf("the process that sweeps ended with status %d; see %s", code, logs))
	}
	return left, err
}

// hidden counts the files in the storm's data that are nobody's: staged ones
// and marks of uploads without a record. It makes them, and all beside them, as
// old as it is told, which is how old the Sweeper takes their task for.
func hidden(data string, age time.Time) (n int, err error) {
	for _, top := range []string{"storage", "output"} {
		err := filepath.WalkDir(filepath.Join(data, top), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // swept meanwhile
			}
			if err != nil {
				return err
			}
			if !age.IsZero() {
				if err := os.Chtimes(path, age, age); err != nil {
					return err
				}
			}
			if !d.IsDir() && strings.HasPrefix(d.Name(), ".") {
				n++
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}
