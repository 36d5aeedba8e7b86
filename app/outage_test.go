package app

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestShortOutagesAreNotLogged(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.InfoLevel)
	o := &outage{log: zap.New(core), away: "away", back: "back", after: time.Hour}
	for range 100 {
		o.changed(errors.New("late"))
		o.changed(nil)
	}
	if n := logs.Len(); n != 0 {
		t.Errorf("%d lines about short outages", n)
	}
	o.after = time.Millisecond
	o.changed(errors.New("gone"))
	deadline := time.After(10 * time.Second)
	for logs.Len() == 0 {
		select {
		case <-deadline:
			t.Fatal("a long outage is not logged")
		case <-time.After(time.Millisecond):
		}
	}
	o.changed(nil)
	if all := logs.All(); len(all) != 2 || all[0].Message != "away" || all[1].Message != "back" {
		t.Errorf("logged %v", all)
	}
}
