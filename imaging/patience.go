package imaging

import (
	"context"
	"runtime"
	"time"
)

// decodeTime is how long a picture of so many pixels may take to decode: some ten
// times as long as the slowest kind does.
func decodeTime(pixels int64) time.Duration {
	return 10*time.Second + time.Duration(pixels)*time.Microsecond
}

// patience is a context that ends, too, when its goroutine has used up a time of a
// processor, not of the clock: how busy the machine is, is no picture's fault. The
// cause is the picture's fault then. Decoders ask contexts for their Err all the
// time, so nothing has to watch. It is for the goroutine that made it.
type patience struct {
	context.Context
	end  context.CancelCauseFunc
	most time.Duration // of threadTime
}

// newPatience keeps its goroutine on one thread until stop is called.
func newPatience(ctx context.Context, d time.Duration) (p *patience, stop func()) {
	ctx, end := context.WithCancelCause(ctx)
	runtime.LockOSThread()
	return &patience{ctx, end, threadTime() + d}, func() {
		runtime.UnlockOSThread()
		end(nil)
	}
}

// Err is that of the context around it, if that has ended by itself.
func (p *patience) Err() error {
	if p.Context.Err() == nil && threadTime() > p.most {
		p.end(tooLarge("it takes longer to decode than a picture of its size may"))
	}
	return p.Context.Err()
}
