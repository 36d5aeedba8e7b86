package app

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// outage logs that something is away, or back, once it has been so for a while:
// a machine short of CPU misses a deadline of 75 ms now and then, and nobody has
// to act on that. So lines are at least that while apart, however often it
// changes.
type outage struct {
	log        *zap.Logger
	away, back string        // what to log
	after      time.Duration // how long is a while

	mu     sync.Mutex
	err    error       // why it is away; nil while it is not
	logged bool        // that it is away
	timer  *time.Timer // running while what is so is not what is logged
}

// changed takes the news: err is why it is away, nil that it is back.
func (o *outage) changed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
	switch news := (err != nil) != o.logged; {
	case news && o.timer == nil:
		var t *time.Timer
		t = time.AfterFunc(o.after, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.timer == t {
				o.tell()
			}
		})
		o.timer = t
	case !news && o.timer != nil:
		o.timer.Stop()
		o.timer = nil
	}
}

// tell logs how it is. The caller holds the lock.
func (o *outage) tell() {
	o.timer, o.logged = nil, o.err != nil
	if o.logged {
		o.log.Warn(o.away, zap.Error(o.err))
	} else {
		o.log.Info(o.back)
	}
}
