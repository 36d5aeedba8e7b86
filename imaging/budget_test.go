package imaging

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func (c *claim) isGranted() bool {
	select {
	case <-c.granted:
		return true
	default:
		return false
	}
}

func TestBudgetLetsSmallOnesPass(t *testing.T) {
	t.Parallel()
	b := newBudget(100)
	first := b.enqueue(60)
	big := b.enqueue(90)
	if !first.isGranted() || big.isGranted() {
		t.Fatal("60 fit into 100 and another 90 do not")
	}
	for i := range maxPassed {
		small := b.enqueue(40)
		if !small.isGranted() {
			t.Fatalf("small one %d waits behind a big one that it does not hinder", i)
		}
		b.release(40)
	}
	late := b.enqueue(1)
	if late.isGranted() {
		t.Fatalf("the big one was passed more than %d times", maxPassed)
	}
	b.release(60)
	if !big.isGranted() || !late.isGranted() {
		t.Error("there is room, and somebody waits")
	}
}

// A big one that gives up must let pass whom it held back.
func TestBudgetWithdraw(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(100)
		b.enqueue(60)
		ctx, cancel := context.WithCancelCause(t.Context())
		left := errors.New("left")
		gone := make(chan error)
		go func() { gone <- b.acquire(ctx, 90) }()
		synctest.Wait()
		for range maxPassed {
			b.enqueue(40)
			b.release(40)
		}
		small := b.enqueue(40)
		if small.isGranted() {
			t.Fatal("the big one is passed too often")
		}
		cancel(left)
		if err := <-gone; err != left {
			t.Errorf("got %v, want the cause", err)
		}
		if !small.isGranted() {
			t.Error("the one behind was not let in")
		}
	})
}

// model is a budget under test and all that is known about its claims.
type model struct {
	*budget
	t       *testing.T
	running []*claim
	waiting []*known // in order of arrival
}

type known struct {
	*claim
	passed int // counted here, independently
}

// look moves the claims that were granted and checks what must always hold.
func (m *model) look() {
	m.t.Helper()
	var still []*known
	for _, k := range m.waiting {
		if !k.isGranted() {
			still = append(still, k)
			continue
		}
		m.running = append(m.running, k.claim)
		for _, earlier := range still {
			earlier.passed++
		}
	}
	m.waiting = still
	var sum int64
	for _, c := range m.running {
		sum += c.bytes
	}
	if sum != m.used || sum > m.size {
		m.t.Fatalf("%d bytes are out, %d are counted, %d there are", sum, m.used, m.size)
	}
	if len(still) > 0 && sum+still[0].bytes <= m.size {
		m.t.Fatalf("the first waits for %d bytes while %d are free", still[0].bytes, m.size-sum)
	}
	for _, k := range still {
		if k.passed > maxPassed {
			m.t.Fatalf("one of %d bytes was passed %d times", k.bytes, k.passed)
		}
	}
}

// Random orders of coming, ending and giving up, mostly of small pictures, in a
// budget that is always short.
func TestBudgetModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := &model{budget: newBudget(100), t: t}
		for range 2000 {
			switch {
			case r.IntN(2) == 0 && len(m.waiting) < 20:
				n := int64(1 + r.IntN(20))
				if r.IntN(5) == 0 {
					n = int64(50 + r.IntN(51))
				}
				m.waiting = append(m.waiting, &known{claim: m.enqueue(n)})
			case r.IntN(20) == 0 && len(m.waiting) > 0:
				i := r.IntN(len(m.waiting))
				m.withdraw(m.waiting[i].claim)
				m.waiting = slices.Delete(m.waiting, i, i+1)
			case len(m.running) > 0:
				i := r.IntN(len(m.running))
				m.release(m.running[i].bytes)
				m.running = slices.Delete(m.running, i, i+1)
			}
			m.look()
		}
		// Nobody is forgotten once nobody comes.
		for len(m.running) > 0 {
			m.release(m.running[0].bytes)
			m.running = m.running[1:]
			m.look()
		}
		if len(m.waiting) > 0 {
			t.Fatalf("seed %d: %d wait for ever", seed, len(m.waiting))
		}
	}
}

// The same through acquire, by many goroutines, some of which give up.
func TestBudgetRace(t *testing.T) {
	t.Parallel()
	b := newBudget(100)
	var out atomic.Int64
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 2))
			for range 2000 {
				n := int64(1 + r.IntN(100))
				ctx, cancel := context.WithCancel(t.Context())
				if r.IntN(4) == 0 {
					go cancel()
				}
				if b.acquire(ctx, n) == nil {
					if sum := out.Add(n); sum > b.size {
						t.Errorf("%d bytes are out of %d", sum, b.size)
					}
					out.Add(-n)
					b.release(n)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if b.used != 0 || len(b.waiting) != 0 {
		t.Errorf("%d bytes and %d claims are left", b.used, len(b.waiting))
	}
}
