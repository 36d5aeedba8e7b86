package api

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// ask returns what a key from an address is answered: 0 for admission, or the
// status and Retry-After.
func ask(k keyCheck, from, key string) (status int, after time.Duration) {
	r := httptest.NewRequest(http.MethodGet, "/api/v1/tasks", nil)
	r.RemoteAddr = from
	r.Header.Set("X-Forwarded-For", key) // another one each time, as a guesser would
	if key != "" {
		r.Header.Set("X-API-Key", key)
	}
	p := k.check(r)
	if p == nil {
		return 0, 0
	}
	return kinds[p.code].status, p.retryAfter
}

// Who has sent too many wrong keys learns nothing from the next one, right or
// wrong, until a while is over; nobody else is concerned.
func TestWrongKeysAreBounded(t *testing.T) {
	t.Parallel()
	const a, sameNetwork, b = "[2001:db8:1:2::a]:1", "[2001:db8:1:2:ffff::b]:9", "192.0.2.1:1"
	synctest.Test(t, func(t *testing.T) {
		k := newKeyCheck("right", 6)
		expect := func(what, from, key string, status int, after time.Duration) {
			t.Helper()
			if s, d := ask(k, from, key); s != status || d.Round(time.Millisecond) != after {
				t.Errorf("%s: %d after %v, want %d after %v", what, s, d, status, after)
			}
		}
		for range 100 {
			expect("the right key", a, "right", 0, 0)
			expect("no key", a, "", 401, 0)
		}
		for range 6 {
			expect("a wrong key", a, "wrong", 401, 0)
		}
		expect("a wrong key too many", a, "wrong", 429, 10*time.Second)
		expect("the right key after them", a, "right", 429, 10*time.Second)
		expect("the right key from the same network", sameNetwork, "right", 429, 10*time.Second)
		expect("no key after them", a, "", 401, 0)
		expect("the right key from elsewhere", b, "right", 0, 0)
		expect("a wrong key from elsewhere", b, "wrong", 401, 0)

		time.Sleep(10 * time.Second)
		expect("the right key after a while", a, "right", 0, 0)
		expect("a wrong key after a while", a, "wrong", 401, 0)
		expect("one more", a, "wrong", 429, 10*time.Second)
	})
}

func TestWrongKeysNeedNoBound(t *testing.T) {
	t.Parallel()
	k := newKeyCheck("right", 0)
	for range 1000 {
		if s, _ := ask(k, "192.0.2.1:1", "wrong"); s != 401 {
			t.Fatalf("answered %d", s)
		}
	}
}

// Guessing from many addresses costs no more memory than from a few.
func TestGuessersAreForgotten(t *testing.T) {
	t.Parallel()
	k := newKeyCheck("right", 1)
	addr := netip.MustParseAddr("10.0.0.0")
	for range 3 * maxGuessers {
		addr = addr.Next()
		ask(k, netip.AddrPortFrom(addr, 1).String(), "wrong")
	}
	if n := k.guesses.left.Len(); n != maxGuessers {
		t.Errorf("%d addresses are remembered, want %d", n, maxGuessers)
	}
	if s, _ := ask(k, netip.AddrPortFrom(addr, 1).String(), "right"); s != 429 {
		t.Errorf("the last guesser is answered %d", s)
	}
	if s, _ := ask(k, "no address", "wrong"); s != 401 {
		t.Errorf("a caller without an address is answered %d", s)
	}
}
