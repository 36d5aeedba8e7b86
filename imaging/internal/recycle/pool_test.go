package recycle

import (
	"sync"
	"testing"
)

func TestClasses(t *testing.T) {
	t.Parallel()
	last, lastSize := -1, -1
	for n := range 1 << 16 {
		class, size := classOf(n)
		if size < n || size-n > n/Waste {
			t.Fatalf("%d elements get %d", n, size)
		}
		if again, same := classOf(size); again != class || same != size {
			t.Fatalf("%d of class %d are given back as %d of class %d", size, class, same, again)
		}
		if (class == last) != (size == lastSize) || class < last {
			t.Fatalf("class %d of %d after class %d of %d", class, size, last, lastSize)
		}
		last, lastSize = class, size
	}
	if class, size := classOf(1<<62 - 1); size < 1<<62-1 || class >= len(Bytes.classes) {
		t.Errorf("the largest size has the class %d of %d", class, size)
	}
}

// What is given back is taken again, and nothing that two hold at once.
func TestTakesWhatWasGiven(t *testing.T) {
	t.Parallel()
	var p Pool[int16]
	again := false
	for range 100 { // with the race detector a pool drops some
		b := p.Take(1000)
		b[0] = 77
		p.Give(b)
		c := p.Take(999)
		if len(c) != 999 {
			t.Fatalf("%d elements, want 999", len(c))
		}
		again = again || c[0] == 77
		p.Give(c)
	}
	if !again {
		t.Error("nothing was taken again")
	}
	p.Give(make([]int16, 1001)) // is of no class
	if b := p.Take(1001); cap(b) < 1001 {
		t.Errorf("%d elements, want 1001", cap(b))
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 1000 {
				b := p.Take(100)
				for j := range b {
					b[j] = int16(i)
				}
				for _, v := range b {
					if v != int16(i) {
						t.Errorf("goroutine %d found what %d wrote", i, v)
						return
					}
				}
				p.Give(b)
			}
		})
	}
	all.Wait()
}
