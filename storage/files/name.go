package files

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"revela/task"
)

const (
	images  = "storage/images" // one directory a task, with its original
	outputs = "output"         // one directory a task, with its variants

	staging = ".staged-" // starts the name of every temporary file
	unkept  = ".unkept"  // marks a directory whose task may have no record
)

// checkName refuses what is not a plain relative path. Hidden names are ours.
func checkName(op, name string) error {
	if fs.ValidPath(name) && name != "." && !strings.HasPrefix(name, ".") && !strings.Contains(name, "/.") {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
}

// originals says whether dir is the place of a task's original.
func originals(dir string) (task.ID, bool) { return taskBelow(images, dir) }

// variants says whether dir is the place of a task's variants.
func variants(dir string) (task.ID, bool) { return taskBelow(outputs, dir) }

func taskBelow(top, dir string) (task.ID, bool) {
	parent, base := path.Split(dir)
	if parent != top+"/" {
		return "", false
	}
	id, err := task.ParseID(base)
	return id, err == nil
}

func imagesOf(id task.ID) string  { return path.Join(images, string(id)) }
func outputsOf(id task.ID) string { return path.Join(outputs, string(id)) }

// checkID refuses an id that is not one: it becomes a part of a path that is
// removed with everything below it.
func checkID(id task.ID) error {
	if _, err := task.ParseID(string(id)); err != nil {
		return fmt.Errorf("%q: %w", id, err)
	}
	return nil
}

// isTop says whether dir exists from the start and is never removed.
func isTop(dir string) bool {
	return dir == images || dir == outputs || dir == path.Dir(images) || dir == "."
}
