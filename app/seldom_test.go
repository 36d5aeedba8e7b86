package app

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestSeldomWarnsOnceAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		s := &seldom{log: zap.New(core), text: "trouble", each: 5 * time.Second}
		for i := range 100 {
			s.warn(zap.Int("i", i))
			time.Sleep(100 * time.Millisecond)
		}
		all := logs.TakeAll()
		if len(all) != 2 {
			t.Fatalf("%d lines in 10 s, want 2", len(all))
		}
		if first := all[0].ContextMap(); first["i"] != int64(0) || first["repeated"] != nil {
			t.Errorf("the first says %v", first)
		}
		if second := all[1].ContextMap(); second["i"] != int64(50) || second["repeated"] != int64(49) {
			t.Errorf("the second says %v", second)
		}
	})
}
