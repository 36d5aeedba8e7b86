package api

import (
	"net/http"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// maxGuessers is how many clients are remembered for a wrong key; the one that
// was heard of longest ago is forgotten first.
const maxGuessers = 4096

// guesses bounds the wrong keys that one client may send. It is safe for
// concurrent use; nil sets no bound.
type guesses struct {
	perMinute int
	left      *lru.Cache[netip.Prefix, *rate.Limiter]
}

// newGuesses allows so many wrong keys a minute, all of them at once or not; 0
// is any number.
func newGuesses(perMinute int) *guesses {
	if perMinute == 0 {
		return nil
	}
	left, _ := lru.New[netip.Prefix, *rate.Limiter](maxGuessers) // fails only for a size below 1
	return &guesses{perMinute, left}
}

// wait returns how long no key of a client is looked at, 0 if it is at once.
func (g *guesses) wait(client netip.Prefix) time.Duration {
	if g == nil {
		return 0
	}
	l, ok := g.left.Get(client)
	if !ok {
		return 0
	}
	missing := max(0, 1-l.Tokens())
	return time.Duration(missing / float64(l.Limit()) * float64(time.Second))
}

// wrong notes a wrong key.
func (g *guesses) wrong(client netip.Prefix) {
	if g == nil {
		return
	}
	l := rate.NewLimiter(rate.Limit(float64(g.perMinute)/60), g.perMinute)
	if had, ok, _ := g.left.PeekOrAdd(client, l); ok {
		l = had
	}
	l.Allow()
}

// clientOf returns the network that a request comes from: an IPv4 address, or
// the 64 bits of an IPv6 address that its owner cannot choose. Headers that a
// proxy writes are not believed, since anybody can write them.
func clientOf(r *http.Request) netip.Prefix {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{} // no network: they are all one
	}
	addr := from.Addr().Unmap()
	p, _ := addr.Prefix(min(64, addr.BitLen())) // in range
	return p
}
