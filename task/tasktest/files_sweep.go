package tasktest

import (
	"errors"
	"io"
	"path"
	"time"

	"revela/task"
)

// The clock of a store is not ours to move, so the tests move the limit.
const (
	allOld   = time.Hour
	allYoung = -time.Hour
)

func (s filesSuite) sweepOfTemporaryFiles() {
	id := task.NewID()
	dir, original := s.originalOf(id)
	s.put(original, "finished")
	s.noErr(s.files.Keep(s.t.Context(), id))
	for _, dir := range []string{dir, path.Dir(s.variantOf(id, "800"))} {
		st, err := s.files.Stage(s.t.Context(), dir)
		s.noErr(err)
		_, err = io.WriteString(st, "left behind")
		s.noErr(err)
		defer st.Discard()
	}
	if n := s.sweep(allYoung, s.refuseToAnswer()); n != 0 {
		s.t.Errorf("removed %d young files", n)
	}
	if n := s.sweep(allOld, s.refuseToAnswer()); n != 2 {
		s.t.Errorf("removed %d old files, want 2", n)
	}
	if n := s.sweep(allOld, s.refuseToAnswer()); n != 0 {
		s.t.Errorf("removed %d files the second time", n)
	}
	s.wantContent(original, "finished")
}

func (s filesSuite) sweepOfOrphans() {
	ids := map[task.ID]bool{}
	for range 3 {
		id := task.NewID()
		ids[id] = true
		_, name := s.originalOf(id)
		s.put(name, "nobody's")
	}
	asked := map[task.ID]int{}
	n := s.sweep(allOld, func(id task.ID) (bool, error) {
		asked[id]++
		return true, nil
	})
	if n != len(ids) {
		s.t.Errorf("Sweep() = %d, want %d", n, len(ids))
	}
	for id := range ids {
		if asked[id] != 1 {
			s.t.Errorf("asked %d times for %s, want once", asked[id], id)
		}
		_, name := s.originalOf(id)
		s.wantMissing(name)
	}
	if len(asked) != len(ids) {
		s.t.Errorf("asked for %v, want %v", asked, ids)
	}
}

// The wrong database must not cost anybody's pictures.
func (s filesSuite) sweepNeverAsksForKept() {
	id := task.NewID()
	_, name := s.originalOf(id)
	s.put(name, "somebody's")
	s.put(s.variantOf(id, "800"), "small")
	s.noErr(s.files.Keep(s.t.Context(), id))
	s.noErr(s.files.Keep(s.t.Context(), id))
	s.sweep(allOld, func(id task.ID) (bool, error) {
		s.t.Errorf("asked for %s", id)
		return true, nil
	})
	s.wantContent(name, "somebody's")
	s.wantContent(s.variantOf(id, "800"), "small")
}

func (s filesSuite) sweepKeepsWhatHasARecord() {
	_, name := s.originalOf(task.NewID())
	s.put(name, "somebody's")
	s.sweep(allOld, func(task.ID) (bool, error) { return false, nil })
	s.wantContent(name, "somebody's")
	s.sweepNeverAsks()
	s.wantContent(name, "somebody's")
}

func (s filesSuite) sweepWithoutAnAnswer() {
	_, name := s.originalOf(task.NewID())
	s.put(name, "who knows")
	other, _ := s.originalOf(task.NewID())
	st, err := s.files.Stage(s.t.Context(), other)
	s.noErr(err)
	defer st.Discard()
	down := errors.New("the store is down")
	_, err = s.files.Sweep(s.t.Context(), time.Now().Add(allOld), func(task.ID) (bool, error) { return true, down })
	if !errors.Is(err, down) {
		s.t.Errorf("Sweep() = %v, want the error of orphan", err)
	}
	s.wantContent(name, "who knows")
	if err := st.Commit(path.Join(other, "original.png")); err == nil {
		s.t.Error("the temporary file was not removed")
	}
}

func (s filesSuite) sweepLeavesTheYoung() {
	_, name := s.originalOf(task.NewID())
	s.put(name, "new")
	if n := s.sweep(allYoung, s.refuseToAnswer()); n != 0 {
		s.t.Errorf("Sweep() = %d, want 0", n)
	}
	s.wantContent(name, "new")
}

// A worker fetches the picture of a URL after the record exists, and a retry
// may fetch it again.
func (s filesSuite) aKeptTaskStaysKept() {
	id := task.NewID()
	dir, name := s.originalOf(id)
	s.put(name, "picture")
	s.noErr(s.files.Keep(s.t.Context(), id))
	st, err := s.files.Stage(s.t.Context(), dir)
	s.noErr(err)
	s.noErr(st.Discard())
	s.wantTaken(s.commit(dir, name, "another"), name)
	s.sweepNeverAsks()
	s.wantContent(name, "picture")
}

func (s filesSuite) keepOfNothing() {
	s.noErr(s.files.Keep(s.t.Context(), task.NewID()))
	s.sweepNeverAsks()
}

func (s filesSuite) sweep(shift time.Duration, orphan func(task.ID) (bool, error)) int {
	s.t.Helper()
	n, err := s.files.Sweep(s.t.Context(), time.Now().Add(shift), orphan)
	s.noErr(err)
	return n
}

func (s filesSuite) sweepNeverAsks() {
	s.t.Helper()
	s.sweep(allOld, s.refuseToAnswer())
}

func (s filesSuite) refuseToAnswer() func(task.ID) (bool, error) {
	return func(id task.ID) (bool, error) {
		s.t.Errorf("Sweep asked for %s", id)
		return false, nil
	}
}
