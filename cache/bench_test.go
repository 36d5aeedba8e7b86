package cache_test

import (
	"testing"

	"github.com/redis/rueidis"

	"revela/cache"
	"revela/task"
)

func BenchmarkHotGet(b *testing.B) {
	x := sample()
	c := benchCache(b, newRepo(x))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Get(b.Context(), x.ID); err != nil {
			b.Fatal(err)
		}
	}
	if s := c.Stats(); s.LocalHits < s.Misses {
		b.Errorf("not hot: %+v", s)
	}
}

func BenchmarkHotList(b *testing.B) {
	r := newRepo()
	for range 10 {
		r.put(sample())
	}
	c := benchCache(b, r)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.List(b.Context(), task.Query{Limit: 10}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInvalidate and the read after it: a miss, a fill and a copy.
func BenchmarkInvalidateAndGet(b *testing.B) {
	x := sample()
	c := benchCache(b, newRepo(x))
	for b.Loop() {
		c.Invalidate(b.Context(), x.ID)
		if _, err := c.Get(b.Context(), x.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func benchCache(b *testing.B, r task.Reader) *cache.Cache {
	b.Helper()
	client, err := shared.connect(int(database.Add(1))%databases, rueidis.ClientOption{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	c, err := cache.New(client, r, patient)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}
