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
	for name, test := range map[string]func(filesSuite){
		"CommitShowsTheWholeFile":   filesSuite.commitShowsTheWholeFile,
		"FirstCommitWins":           filesSuite.firstCommitWins,
		"OneOfManyCommitsWins":      filesSuite.oneOfManyCommitsWins,
		"CommitInParallel":          filesSuite.commitInParallel,
		"StageBesideDiscard":        filesSuite.stageBesideDiscard,
		"StagedIsReadable":          filesSuite.stagedIsReadable,
		"FinishedIsReadableAnyhow":  filesSuite.finishedIsReadableAnyhow,
		"DiscardLeavesNothing":      filesSuite.discardLeavesNothing,
		"OpenOfNothing":             filesSuite.openOfNothing,
		"NamesThatLeadOut":          filesSuite.namesThatLeadOut,
		"RemoveTask":                filesSuite.removeTask,
		"RemoveTaskUnderAWriter":    filesSuite.removeTaskUnderAWriter,
		"SweepOfTemporaryFiles":     filesSuite.sweepOfTemporaryFiles,
		"SweepOfOrphans":            filesSuite.sweepOfOrphans,
		"SweepNeverAsksForKept":     filesSuite.sweepNeverAsksForKept,
		"SweepKeepsWhatHasARecord":  filesSuite.sweepKeepsWhatHasARecord,
		"SweepWithoutAnAnswer":      filesSuite.sweepWithoutAnAnswer,
		"SweepLeavesTheYoung":       filesSuite.sweepLeavesTheYoung,
		"AKeptTaskStaysKept":        filesSuite.aKeptTaskStaysKept,
		"KeepOfNothing":             filesSuite.keepOfNothing,
		"CancelledContextIsNoticed": filesSuite.cancelledContextIsNoticed,
		"Ping":                      filesSuite.ping,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(filesSuite{t, open(t)})
		})
	}
}

// filesSuite is one test with its own store.
type filesSuite struct {
	t     *testing.T
	files task.Files
}

func (s filesSuite) commitShowsTheWholeFile() {
	id := task.NewID()
	dir, name := s.originalOf(id)
	st, err := s.files.Stage(s.t.Context(), dir)
	s.noErr(err)
	defer st.Discard()
	_, err = io.WriteString(st, "first half, ")
	s.noErr(err)
	s.wantMissing(name)
	_, err = io.WriteString(st, "second half")
	s.noErr(err)
	s.wantMissing(name)
	s.noErr(st.Commit(name))
	s.wantContent(name, "first half, second half")
	s.noErr(st.Discard())
	s.wantContent(name, "first half, second half")
}

// A record may name a finished file with its checksum, so nobody changes it.
func (s filesSuite) firstCommitWins() {
	id := task.NewID()
	dir, original := s.originalOf(id)
	for _, name := range []string{original, s.variantOf(id, "800")} {
		s.put(name, "first")
		// Staged beside its place, and elsewhere.
		for _, dir := range []string{path.Dir(name), path.Join("output", string(id))} {
			s.wantTaken(s.commit(dir, name, "second"), name)
			s.wantContent(name, "first")
		}
	}
	if n := s.sweep(allOld, func(task.ID) (bool, error) { return false, nil }); n != 0 {
		s.t.Errorf("%d temporary files stayed", n)
	}
	beside := path.Join(dir, "original.png")
	s.put(beside, "second")
	s.wantContent(beside, "second")
	s.wantContent(original, "first")
	// A place that was emptied is free again.
	s.noErr(s.files.RemoveTask(s.t.Context(), id))
	s.put(original, "third")
	s.wantContent(original, "third")
}

func (s filesSuite) oneOfManyCommitsWins() {
	const writers = 8
	content := func(i int) string { return strings.Repeat(fmt.Sprint(i), 10_000) }
	for range 10 {
		id := task.NewID()
		_, name := s.originalOf(id)
		var errs [writers]error
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() { errs[i] = s.commit(path.Dir(name), name, content(i)) })
		}
		wg.Wait()
		won := 0
		for i, err := range errs {
			if err == nil {
				won++
				s.wantContent(name, content(i))
			} else {
				s.wantTaken(err, name)
			}
		}
		if won != 1 {
			s.t.Errorf("%d commits of %d succeeded, want one", won, writers)
		}
		s.noErr(s.files.Keep(s.t.Context(), id))
	}
	if n := s.sweep(allOld, s.refuseToAnswer()); n != 0 {
		s.t.Errorf("%d temporary files stayed", n)
	}
}

func (s filesSuite) commitInParallel() {
	id := task.NewID()
	const writers = 8
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			// Two directories, so that making one meets making the other.
			name := path.Join(path.Dir(s.variantOf(id, fmt.Sprint(i%2))), fmt.Sprint(i))
			st, err := s.files.Stage(s.t.Context(), path.Dir(name))
			if err != nil {
				s.t.Error(err)
				return
			}
			defer st.Discard()
			if i >= writers-2 {
				return // discarding is under way while others stage and commit
			}
			if _, err := st.Write(bytes.Repeat([]byte("x"), 100_000)); err != nil {
				s.t.Error(err)
			}
			if err := st.Commit(name); err != nil {
				s.t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range writers - 2 {
		name := path.Join(path.Dir(s.variantOf(id, fmt.Sprint(i%2))), fmt.Sprint(i))
		s.wantContent(name, strings.Repeat("x", 100_000))
	}
}

// Whoever discards last may tidy up what the next one is about to use.
func (s filesSuite) stageBesideDiscard() {
	original, _ := s.originalOf(task.NewID())
	variant := path.Dir(s.variantOf(task.NewID(), "800"))
	var wg sync.WaitGroup
	for i := range 8 {
		dir := original
		if i%2 == 0 {
			dir = variant
		}
		wg.Go(func() {
			for range 60 {
				st, err := s.files.Stage(s.t.Context(), dir)
				if err != nil {
					s.t.Error(err)
					return
				}
				if err := st.Discard(); err != nil {
					s.t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := s.sweep(allOld, s.refuseToAnswer()); n != 0 {
		s.t.Errorf("%d leftovers", n)
	}
}

func (s filesSuite) stagedIsReadable() {
	dir, _ := s.originalOf(task.NewID())
	st, err := s.files.Stage(s.t.Context(), dir)
	s.noErr(err)
	defer st.Discard()
	_, err = io.WriteString(st, "0123456789")
	s.noErr(err)
	b := make([]byte, 4)
	_, err = st.ReadAt(b, 3)
	s.noErr(err)
	if string(b) != "3456" {
		s.t.Errorf("ReadAt(3) = %q", b)
	}
	if _, err := st.ReadAt(b, 8); !errors.Is(err, io.EOF) {
		s.t.Errorf("ReadAt past the end: %v, want EOF", err)
	}
	// Reading does not move the place of writing.
	_, err = io.WriteString(st, "ab")
	s.noErr(err)
	got, err := io.ReadAll(io.NewSectionReader(st, 0, 100))
	s.noErr(err)
	if string(got) != "0123456789ab" {
		s.t.Errorf("staged %q", got)
	}
}

func (s filesSuite) finishedIsReadableAnyhow() {
	_, name := s.originalOf(task.NewID())
	s.put(name, "0123456789")
	f, err := s.files.Open(s.t.Context(), name)
	s.noErr(err)
	defer f.Close()
	if f.Size() != 10 {
		s.t.Errorf("Size() = %d, want 10", f.Size())
	}
	if age := time.Since(f.ModTime()); age < -time.Minute || age > time.Minute {
		s.t.Errorf("ModTime() is %v ago", age)
	}
	b := make([]byte, 3)
	_, err = f.ReadAt(b, 7)
	s.noErr(err)
	if string(b) != "789" {
		s.t.Errorf("ReadAt(7) = %q", b)
	}
	_, err = f.Seek(-2, io.SeekEnd)
	s.noErr(err)
	rest, err := io.ReadAll(f)
	s.noErr(err)
	if string(rest) != "89" {
		s.t.Errorf("the last two bytes are %q", rest)
	}
}

func (s filesSuite) discardLeavesNothing() {
	id := task.NewID()
	dir, name := s.originalOf(id)
	st, err := s.files.Stage(s.t.Context(), dir)
	s.noErr(err)
	_, err = io.WriteString(st, "unwanted")
	s.noErr(err)
	s.noErr(st.Discard())
	s.noErr(st.Discard())
	s.wantMissing(name)
	if err := st.Commit(name); err == nil {
		s.t.Error("Commit after Discard: no error")
	}
	s.wantMissing(name)
	if n := s.sweep(allOld, s.refuseToAnswer()); n != 0 {
		s.t.Errorf("Sweep found %d leftovers", n)
	}
	// And the place is as good as new.
	s.put(name, "wanted")
	s.wantContent(name, "wanted")
}

func (s filesSuite) openOfNothing() {
	id := task.NewID()
	dir, name := s.originalOf(id)
	s.wantMissing(name)
	s.put(name, "x")
	s.wantMissing(name + ".bak")
	if f, err := s.files.Open(s.t.Context(), dir); err == nil {
		f.Close()
		s.t.Error("a directory opened as a file")
	}
}

func (s filesSuite) namesThatLeadOut() {
	dir, name := s.originalOf(task.NewID())
	s.put(name, "x")
	for _, bad := range []string{
		"", ".", "..", "/", "/etc/hostname", "../x", "a/../../x", dir + "/../../../../x",
		dir + "/../x", "./x", "a//b", "a/", "a/./b", "a\x00b",
	} {
		if st, err := s.files.Stage(s.t.Context(), bad); err == nil {
			s.t.Errorf("Stage(%q): no error", bad)
			st.Discard()
		}
		if f, err := s.files.Open(s.t.Context(), bad); err == nil {
			s.t.Errorf("Open(%q): no error", bad)
			f.Close()
		}
		st, err := s.files.Stage(s.t.Context(), dir)
		s.noErr(err)
		if err := st.Commit(bad); err == nil {
			s.t.Errorf("Commit(%q): no error", bad)
		}
		s.noErr(st.Discard())
	}
	for _, bad := range []task.ID{"", ".", "..", "../images", "0", "*"} {
		if err := s.files.RemoveTask(s.t.Context(), bad); err == nil {
			s.t.Errorf("RemoveTask(%q): no error", bad)
		}
		if err := s.files.Keep(s.t.Context(), bad); err == nil {
			s.t.Errorf("Keep(%q): no error", bad)
		}
	}
	s.wantContent(name, "x")
	if n := s.sweep(allOld, func(task.ID) (bool, error) { return false, nil }); n != 0 {
		s.t.Errorf("%d temporary files were left by refused names", n)
	}
}

func (s filesSuite) removeTask() {
	id, neighbour := task.NewID(), task.NewID()
	for _, id := range []task.ID{id, neighbour} {
		_, name := s.originalOf(id)
		s.put(name, "original")
		s.put(s.variantOf(id, "1024"), "large")
		s.put(s.variantOf(id, "800"), "small")
		s.noErr(s.files.Keep(s.t.Context(), id))
	}
	s.noErr(s.files.RemoveTask(s.t.Context(), id))
	s.noErr(s.files.RemoveTask(s.t.Context(), id))
	s.noErr(s.files.RemoveTask(s.t.Context(), task.NewID()))
	_, name := s.originalOf(id)
	s.wantMissing(name)
	s.wantMissing(s.variantOf(id, "1024"))
	s.wantMissing(s.variantOf(id, "800"))
	_, name = s.originalOf(neighbour)
	s.wantContent(name, "original")
	s.wantContent(s.variantOf(neighbour, "1024"), "large")
}

// A worker may be at work on a task that is deleted: what it commits then must
// not come back.
func (s filesSuite) removeTaskUnderAWriter() {
	id := task.NewID()
	name := s.variantOf(id, "800")
	st, err := s.files.Stage(s.t.Context(), path.Dir(name))
	s.noErr(err)
	_, err = io.WriteString(st, "late")
	s.noErr(err)
	s.noErr(s.files.RemoveTask(s.t.Context(), id))
	if err := st.Commit(name); err == nil {
		s.t.Error("Commit into a removed task: no error")
	}
	s.noErr(st.Discard())
	s.wantMissing(name)
}

func (s filesSuite) cancelledContextIsNoticed() {
	dir, name := s.originalOf(task.NewID())
	s.put(name, "x")
	ctx, cancel := context.WithCancel(s.t.Context())
	cancel()
	if _, err := s.files.Stage(ctx, dir); !errors.Is(err, context.Canceled) {
		s.t.Errorf("Stage: %v", err)
	}
	if _, err := s.files.Open(ctx, name); !errors.Is(err, context.Canceled) {
		s.t.Errorf("Open: %v", err)
	}
	if err := s.files.Ping(ctx); !errors.Is(err, context.Canceled) {
		s.t.Errorf("Ping: %v", err)
	}
	_, err := s.files.Sweep(ctx, time.Now().Add(allOld), func(task.ID) (bool, error) { return true, nil })
	if !errors.Is(err, context.Canceled) {
		s.t.Errorf("Sweep: %v", err)
	}
	s.wantContent(name, "x")
}

func (s filesSuite) ping() { s.noErr(s.files.Ping(s.t.Context())) }

func (filesSuite) originalOf(id task.ID) (dir, name string) {
	dir = path.Join("storage/images", string(id))
	return dir, path.Join(dir, "original.jpg")
}

func (filesSuite) variantOf(id task.ID, resolution string) string {
	return path.Join("output", string(id), resolution, "0123456789abcdef0123456789abcdef.jpg")
}

func (s filesSuite) put(name, content string) {
	s.t.Helper()
	s.noErr(s.commit(path.Dir(name), name, content))
}

// commit stages content in dir and moves it to name.
func (s filesSuite) commit(dir, name, content string) error {
	st, err := s.files.Stage(s.t.Context(), dir)
	if err != nil {
		return err
	}
	defer st.Discard()
	if _, err := io.WriteString(st, content); err != nil {
		return err
	}
	return st.Commit(name)
}

func (s filesSuite) wantTaken(err error, name string) {
	s.t.Helper()
	if !errors.Is(err, fs.ErrExist) {
		s.t.Errorf("commit %s: %v, want fs.ErrExist", name, err)
	}
}

func (s filesSuite) wantContent(name, want string) {
	s.t.Helper()
	f, err := s.files.Open(s.t.Context(), name)
	if err != nil {
		s.t.Errorf("open %s: %v", name, err)
		return
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	s.noErr(err)
	if string(got) != want {
		s.t.Errorf("%s holds %d bytes %.40q, want %d bytes %.40q", name, len(got), got, len(want), want)
	}
}

func (s filesSuite) wantMissing(name string) {
	s.t.Helper()
	f, err := s.files.Open(s.t.Context(), name)
	if err == nil {
		f.Close()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		s.t.Errorf("open %s: %v, want fs.ErrNotExist", name, err)
	}
}

func (s filesSuite) noErr(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
