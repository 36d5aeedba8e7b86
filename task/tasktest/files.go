package tasktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"revela/task"
)

// Files holds an implementation of task.Files to its contract. open returns an
// empty store for one test, and sees to it that it is closed at its end.
func Files(t *testing.T, open func(t *testing.T) task.Files) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, task.Files){
		"CommitShowsTheWholeFile":   commitShowsTheWholeFile,
		"CommitReplaces":            commitReplaces,
		"CommitInParallel":          commitInParallel,
		"StagedIsReadable":          stagedIsReadable,
		"FinishedIsReadableAnyhow":  finishedIsReadableAnyhow,
		"DiscardLeavesNothing":      discardLeavesNothing,
		"OpenOfNothing":             openOfNothing,
		"NamesThatLeadOut":          namesThatLeadOut,
		"RemoveTask":                removeTask,
		"RemoveTaskUnderAWriter":    removeTaskUnderAWriter,
		"SweepOfTemporaryFiles":     sweepOfTemporaryFiles,
		"SweepOfOrphans":            sweepOfOrphans,
		"SweepNeverAsksForKept":     sweepNeverAsksForKept,
		"SweepKeepsWhatHasARecord":  sweepKeepsWhatHasARecord,
		"SweepWithoutAnAnswer":      sweepWithoutAnAnswer,
		"SweepLeavesTheYoung":       sweepLeavesTheYoung,
		"AKeptTaskStaysKept":        aKeptTaskStaysKept,
		"KeepOfNothing":             keepOfNothing,
		"CancelledContextIsNoticed": cancelledContextIsNoticed,
		"Ping":                      func(t *testing.T, f task.Files) { noErr(t, f.Ping(t.Context())) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// The clock of a store is not ours to move, so the tests move the limit.
var (
	allOld   = time.Hour
	allYoung = -time.Hour
)

func commitShowsTheWholeFile(t *testing.T, files task.Files) {
	id := task.NewID()
	dir, name := originalOf(id)
	st, err := files.Stage(t.Context(), dir)
	noErr(t, err)
	defer st.Discard()
	_, err = io.WriteString(st, "first half, ")
	noErr(t, err)
	wantMissing(t, files, name)
	_, err = io.WriteString(st, "second half")
	noErr(t, err)
	wantMissing(t, files, name)
	noErr(t, st.Commit(name))
	wantContent(t, files, name, "first half, second half")
	noErr(t, st.Discard())
	wantContent(t, files, name, "first half, second half")
}

func commitReplaces(t *testing.T, files task.Files) {
	name := variantOf(task.NewID(), "800")
	put(t, files, name, "the same bytes")
	old, err := files.Open(t.Context(), name)
	noErr(t, err)
	defer old.Close()
	put(t, files, name, "the same bytes")
	wantContent(t, files, name, "the same bytes")
	b, err := io.ReadAll(old)
	noErr(t, err)
	if string(b) != "the same bytes" {
		t.Errorf("a reader from before reads %q", b)
	}
}

func commitInParallel(t *testing.T, files task.Files) {
	id := task.NewID()
	const writers = 8
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			// Two directories, so that making one meets making the other.
			name := variantOf(id, fmt.Sprint(i%2))
			st, err := files.Stage(t.Context(), path.Dir(name))
			if err != nil {
				t.Error(err)
				return
			}
			defer st.Discard()
			if i >= writers-2 {
				return // discarding is under way while others stage and commit
			}
			if _, err := st.Write(bytes.Repeat([]byte("x"), 100_000)); err != nil {
				t.Error(err)
			}
			if err := st.Commit(name); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 2 {
		wantContent(t, files, variantOf(id, fmt.Sprint(i)), strings.Repeat("x", 100_000))
	}
}

func stagedIsReadable(t *testing.T, files task.Files) {
	dir, _ := originalOf(task.NewID())
	st, err := files.Stage(t.Context(), dir)
	noErr(t, err)
	defer st.Discard()
	_, err = io.WriteString(st, "0123456789")
	noErr(t, err)
	b := make([]byte, 4)
	_, err = st.ReadAt(b, 3)
	noErr(t, err)
	if string(b) != "3456" {
		t.Errorf("ReadAt(3) = %q", b)
	}
	if _, err := st.ReadAt(b, 8); !errors.Is(err, io.EOF) {
		t.Errorf("ReadAt past the end: %v, want EOF", err)
	}
	// Reading does not move the place of writing.
	_, err = io.WriteString(st, "ab")
	noErr(t, err)
	got, err := io.ReadAll(io.NewSectionReader(st, 0, 100))
	noErr(t, err)
	if string(got) != "0123456789ab" {
		t.Errorf("staged %q", got)
	}
}

func finishedIsReadableAnyhow(t *testing.T, files task.Files) {
	_, name := originalOf(task.NewID())
	put(t, files, name, "0123456789")
	f, err := files.Open(t.Context(), name)
	noErr(t, err)
	defer f.Close()
	if f.Size() != 10 {
		t.Errorf("Size() = %d, want 10", f.Size())
	}
	if age := time.Since(f.ModTime()); age < -time.Minute || age > time.Minute {
		t.Errorf("ModTime() is %v ago", age)
	}
	b := make([]byte, 3)
	_, err = f.ReadAt(b, 7)
	noErr(t, err)
	if string(b) != "789" {
		t.Errorf("ReadAt(7) = %q", b)
	}
	_, err = f.Seek(-2, io.SeekEnd)
	noErr(t, err)
	rest, err := io.ReadAll(f)
	noErr(t, err)
	if string(rest) != "89" {
		t.Errorf("the last two bytes are %q", rest)
	}
}

func discardLeavesNothing(t *testing.T, files task.Files) {
	id := task.NewID()
	dir, name := originalOf(id)
	st, err := files.Stage(t.Context(), dir)
	noErr(t, err)
	_, err = io.WriteString(st, "unwanted")
	noErr(t, err)
	noErr(t, st.Discard())
	noErr(t, st.Discard())
	wantMissing(t, files, name)
	if err := st.Commit(name); err == nil {
		t.Error("Commit after Discard: no error")
	}
	wantMissing(t, files, name)
	if n := sweep(t, files, allOld, refuseToAnswer(t)); n != 0 {
		t.Errorf("Sweep found %d leftovers", n)
	}
	// And the place is as good as new.
	put(t, files, name, "wanted")
	wantContent(t, files, name, "wanted")
}

func openOfNothing(t *testing.T, files task.Files) {
	id := task.NewID()
	dir, name := originalOf(id)
	wantMissing(t, files, name)
	put(t, files, name, "x")
	wantMissing(t, files, name+".bak")
	if f, err := files.Open(t.Context(), dir); err == nil {
		f.Close()
		t.Error("a directory opened as a file")
	}
}

func namesThatLeadOut(t *testing.T, files task.Files) {
	dir, name := originalOf(task.NewID())
	put(t, files, name, "x")
	for _, bad := range []string{
		"", ".", "..", "/", "/etc/hostname", "../x", "a/../../x", dir + "/../../../../x",
		dir + "/../x", "./x", "a//b", "a/", "a/./b", "a\x00b",
	} {
		if st, err := files.Stage(t.Context(), bad); err == nil {
			t.Errorf("Stage(%q): no error", bad)
			st.Discard()
		}
		if f, err := files.Open(t.Context(), bad); err == nil {
			t.Errorf("Open(%q): no error", bad)
			f.Close()
		}
		st, err := files.Stage(t.Context(), dir)
		noErr(t, err)
		if err := st.Commit(bad); err == nil {
			t.Errorf("Commit(%q): no error", bad)
		}
		noErr(t, st.Discard())
	}
	for _, bad := range []task.ID{"", ".", "..", "../images", "0", "*"} {
		if err := files.RemoveTask(t.Context(), bad); err == nil {
			t.Errorf("RemoveTask(%q): no error", bad)
		}
		if err := files.Keep(t.Context(), bad); err == nil {
			t.Errorf("Keep(%q): no error", bad)
		}
	}
	wantContent(t, files, name, "x")
	if n := sweep(t, files, allOld, func(task.ID) (bool, error) { return false, nil }); n != 0 {
		t.Errorf("%d temporary files were left by refused names", n)
	}
}

func removeTask(t *testing.T, files task.Files) {
	id, neighbour := task.NewID(), task.NewID()
	for _, id := range []task.ID{id, neighbour} {
		_, name := originalOf(id)
		put(t, files, name, "original")
		put(t, files, variantOf(id, "1024"), "large")
		put(t, files, variantOf(id, "800"), "small")
		noErr(t, files.Keep(t.Context(), id))
	}
	noErr(t, files.RemoveTask(t.Context(), id))
	noErr(t, files.RemoveTask(t.Context(), id))
	noErr(t, files.RemoveTask(t.Context(), task.NewID()))
	_, name := originalOf(id)
	wantMissing(t, files, name)
	wantMissing(t, files, variantOf(id, "1024"))
	wantMissing(t, files, variantOf(id, "800"))
	_, name = originalOf(neighbour)
	wantContent(t, files, name, "original")
	wantContent(t, files, variantOf(neighbour, "1024"), "large")
}

// A worker may be at work on a task that is deleted: what it commits then must
// not come back.
func removeTaskUnderAWriter(t *testing.T, files task.Files) {
	id := task.NewID()
	name := variantOf(id, "800")
	st, err := files.Stage(t.Context(), path.Dir(name))
	noErr(t, err)
	_, err = io.WriteString(st, "late")
	noErr(t, err)
	noErr(t, files.RemoveTask(t.Context(), id))
	if err := st.Commit(name); err == nil {
		t.Error("Commit into a removed task: no error")
	}
	noErr(t, st.Discard())
	wantMissing(t, files, name)
}

func sweepOfTemporaryFiles(t *testing.T, files task.Files) {
	id := task.NewID()
	dir, original := originalOf(id)
	put(t, files, original, "finished")
	noErr(t, files.Keep(t.Context(), id))
	for _, dir := range []string{dir, path.Dir(variantOf(id, "800"))} {
		st, err := files.Stage(t.Context(), dir)
		noErr(t, err)
		_, err = io.WriteString(st, "left behind")
		noErr(t, err)
		defer st.Discard()
	}
	if n := sweep(t, files, allYoung, refuseToAnswer(t)); n != 0 {
		t.Errorf("removed %d young files", n)
	}
	if n := sweep(t, files, allOld, refuseToAnswer(t)); n != 2 {
		t.Errorf("removed %d old files, want 2", n)
	}
	if n := sweep(t, files, allOld, refuseToAnswer(t)); n != 0 {
		t.Errorf("removed %d files the second time", n)
	}
	wantContent(t, files, original, "finished")
}

func sweepOfOrphans(t *testing.T, files task.Files) {
	ids := map[task.ID]bool{}
	for range 3 {
		id := task.NewID()
		ids[id] = true
		_, name := originalOf(id)
		put(t, files, name, "nobody's")
	}
	asked := map[task.ID]int{}
	n := sweep(t, files, allOld, func(id task.ID) (bool, error) {
		asked[id]++
		return true, nil
	})
	if n != len(ids) {
		t.Errorf("Sweep() = %d, want %d", n, len(ids))
	}
	for id := range ids {
		if asked[id] != 1 {
			t.Errorf("asked %d times for %s, want once", asked[id], id)
		}
		_, name := originalOf(id)
		wantMissing(t, files, name)
	}
	if len(asked) != len(ids) {
		t.Errorf("asked for %v, want %v", asked, ids)
	}
}

// The wrong database must not cost anybody's pictures.
func sweepNeverAsksForKept(t *testing.T, files task.Files) {
	id := task.NewID()
	_, name := originalOf(id)
	put(t, files, name, "somebody's")
	put(t, files, variantOf(id, "800"), "small")
	noErr(t, files.Keep(t.Context(), id))
	noErr(t, files.Keep(t.Context(), id))
	sweep(t, files, allOld, func(id task.ID) (bool, error) {
		t.Errorf("asked for %s", id)
		return true, nil
	})
	wantContent(t, files, name, "somebody's")
	wantContent(t, files, variantOf(id, "800"), "small")
}

func sweepKeepsWhatHasARecord(t *testing.T, files task.Files) {
	_, name := originalOf(task.NewID())
	put(t, files, name, "somebody's")
	sweep(t, files, allOld, func(task.ID) (bool, error) { return false, nil })
	wantContent(t, files, name, "somebody's")
	sweepNeverAsks(t, files)
	wantContent(t, files, name, "somebody's")
}

func sweepWithoutAnAnswer(t *testing.T, files task.Files) {
	_, name := originalOf(task.NewID())
	put(t, files, name, "who knows")
	other, _ := originalOf(task.NewID())
	st, err := files.Stage(t.Context(), other)
	noErr(t, err)
	defer st.Discard()
	down := errors.New("the store is down")
	_, err = files.Sweep(t.Context(), time.Now().Add(allOld), func(task.ID) (bool, error) { return true, down })
	if !errors.Is(err, down) {
		t.Errorf("Sweep() = %v, want the error of orphan", err)
	}
	wantContent(t, files, name, "who knows")
	if err := st.Commit(path.Join(other, "original.png")); err == nil {
		t.Error("the temporary file was not removed")
	}
}

func sweepLeavesTheYoung(t *testing.T, files task.Files) {
	_, name := originalOf(task.NewID())
	put(t, files, name, "new")
	if n := sweep(t, files, allYoung, refuseToAnswer(t)); n != 0 {
		t.Errorf("Sweep() = %d, want 0", n)
	}
	wantContent(t, files, name, "new")
}

// A worker fetches the picture of a URL after the record exists, and a retry
// may fetch it again.
func aKeptTaskStaysKept(t *testing.T, files task.Files) {
	id := task.NewID()
	dir, name := originalOf(id)
	put(t, files, name, "first")
	noErr(t, files.Keep(t.Context(), id))
	st, err := files.Stage(t.Context(), dir)
	noErr(t, err)
	noErr(t, st.Discard())
	put(t, files, name, "second")
	sweepNeverAsks(t, files)
	wantContent(t, files, name, "second")
}

func keepOfNothing(t *testing.T, files task.Files) {
	noErr(t, files.Keep(t.Context(), task.NewID()))
	sweepNeverAsks(t, files)
}

func cancelledContextIsNoticed(t *testing.T, files task.Files) {
	dir, name := originalOf(task.NewID())
	put(t, files, name, "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := files.Stage(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("Stage: %v", err)
	}
	if _, err := files.Open(ctx, name); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: %v", err)
	}
	if err := files.Ping(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Ping: %v", err)
	}
	_, err := files.Sweep(ctx, time.Now().Add(allOld), func(task.ID) (bool, error) { return true, nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Sweep: %v", err)
	}
	wantContent(t, files, name, "x")
}

func originalOf(id task.ID) (dir, name string) {
	dir = path.Join("storage/images", string(id))
	return dir, path.Join(dir, "original.jpg")
}

func variantOf(id task.ID, resolution string) string {
	return path.Join("output", string(id), resolution, "0123456789abcdef0123456789abcdef.jpg")
}

func put(t *testing.T, files task.Files, name, content string) {
	t.Helper()
	st, err := files.Stage(t.Context(), path.Dir(name))
	noErr(t, err)
	defer st.Discard()
	_, err = io.WriteString(st, content)
	noErr(t, err)
	noErr(t, st.Commit(name))
}

func wantContent(t *testing.T, files task.Files, name, want string) {
	t.Helper()
	f, err := files.Open(t.Context(), name)
	if err != nil {
		t.Errorf("open %s: %v", name, err)
		return
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	noErr(t, err)
	if string(got) != want {
		t.Errorf("%s holds %d bytes %.40q, want %d bytes %.40q", name, len(got), got, len(want), want)
	}
}

func wantMissing(t *testing.T, files task.Files, name string) {
	t.Helper()
	f, err := files.Open(t.Context(), name)
	if err == nil {
		f.Close()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open %s: %v, want fs.ErrNotExist", name, err)
	}
}

func sweep(t *testing.T, files task.Files, shift time.Duration, orphan func(task.ID) (bool, error)) int {
	t.Helper()
	n, err := files.Sweep(t.Context(), time.Now().Add(shift), orphan)
	noErr(t, err)
	return n
}

func sweepNeverAsks(t *testing.T, files task.Files) {
	t.Helper()
	sweep(t, files, allOld, refuseToAnswer(t))
}

func refuseToAnswer(t *testing.T) func(task.ID) (bool, error) {
	return func(id task.ID) (bool, error) {
		t.Errorf("Sweep asked for %s", id)
		return false, nil
	}
}

func noErr(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
