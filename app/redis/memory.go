package redis

import (
	"net"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"
)

// clockTick is how often the in-process server's expiry clock is moved on; keys
// live up to that much longer than they should.
const clockTick = 50 * time.Millisecond

// memory is the in-process server. It knows the commands that the queue and the
// cache use, but no INFO, CONFIG or client-side caching, keeps nothing on disk,
// and is fit for some ten thousand keys.
type memory struct {
	server *miniredis.Miniredis
	stop   chan struct{}
	done   chan struct{} // closed when the clock goroutine has ended
}

func startMemory() *memory {
	m := &memory{
		server: miniredis.NewMiniRedis(),
		stop:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	go m.tick()
	return m
}

// tick moves the expiry clock, which stands still by itself, by the time that
// has really passed.
func (m *memory) tick() {
	defer close(m.done)
	t := time.NewTicker(clockTick)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-m.stop:
			return
		case <-t.C:
			now := time.Now()
			m.server.FastForward(now.Sub(last))
			last = now
		}
	}
}

// dial connects through memory; no port is involved.
func (m *memory) dial() (net.Conn, error) { return m.server.Dial() }

func (m *memory) close() {
	close(m.stop)
	<-m.done
	m.server.Close()
}

// memoryOptions sets what rueidis needs to get along with miniredis.
func memoryOptions(opt *rueidis.ClientOption) {
	opt.DisableCache = true // no CLIENT TRACKING
	opt.AlwaysRESP2 = true  // in RESP3, a SUBSCRIBE stops the shared connection
	// A pipe in memory has no buffer: without a reader of its own, a large
	// pipeline waits for the server, which waits for its replies to be read.
	opt.AlwaysPipelining = true
	opt.ClientSetInfo = rueidis.DisableClientSetInfo
}
