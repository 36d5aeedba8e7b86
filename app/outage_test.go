package app

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestOnlyWhatLastsIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		o := &outage{log: zap.New(core), away: "away", back: "back", after: time.Second}
		logged := func(want ...string) {
			t.Helper()
			synctest.Wait()
			all := logs.TakeAll()
			if len(all) != len(want) {
				t.Fatalf("logged %v, want %q", all, want)
			}
			for i, line := range all {
				if line.Message != want[i] {
					t.Errorf("line %d is %q, want %q", i, line.Message, want[i])
				}
			}
		}
		flap := func(times int) {
			for range times {
				o.changed(errors.New("late"))
				time.Sleep(400 * time.Millisecond)
				o.changed(nil)
				time.Sleep(400 * time.Millisecond)
			}
		}
		flap(100)
		logged()
		o.changed(errors.New("gone"))
		o.changed(errors.New("gone, again"))
		time.Sleep(999 * time.Millisecond)
		logged()
		time.Sleep(time.Millisecond)
		logged("away")
		flap(100) // still not back for a while
		logged()
		time.Sleep(time.Second)
		logged("back")
		time.Sleep(time.Hour)
		logged()
	})
}
