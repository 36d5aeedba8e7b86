package app

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// outage logs that something is away, once it has been for a while: a machine
// short of CPU misses a deadline of 75 ms now and then, and nobody has to act
// on that.
type outage struct {
	log        *zap.Logger
	away, back string        // what to log
	after      time.Duration // how long is a while

	mu     sync.Mutex
	timer  *time.Timer // running from the first sign until it is logged or over
	logged bool
}

// changed takes the news: err is why it is away, nil that it is back.
func (o *outage) changed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err != nil && o.timer == nil:
		var t *time.Timer
		t = time.AfterFunc(o.after, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.timer == t {
				o.logged = true
				o.log.Warn(o.away, zap.Error(err))
			}
		})
		o.timer = t
	case err == nil && o.timer != nil:
		o.timer.Stop()
		if o.logged {
			o.log.Info(o.back)
		}
		o.timer, o.logged = nil, false
	}
}
