package cache_test

import (
	"crypto/md5"
	"fmt"
	"maps"
	"testing"

	"github.com/redis/rueidis"

	"revela/app/redis/redistest"
)

// TestInvalidateCostsTheSame counts at the server what an invalidation sends,
// beside 10 lists and beside 100,000: two DELs, each of one key, and no command
// whose cost grows with the keys there are.
func TestInvalidateCostsTheSame(t *testing.T) {
	t.Parallel()
	for _, lists := range []int{10, 100_000} {
		t.Run(fmt.Sprint(lists, " lists"), func(t *testing.T) {
			t.Parallel()
			s := redistest.Server(t)
			rdb := s.Client(t)
			for from := 0; from < lists; from += 10_000 {
				var sets rueidis.Commands
				for i := from; i < min(lists, from+10_000); i++ {
					key := fmt.Sprintf("tasks:list:%x", md5.Sum(fmt.Append(nil, i)))
					sets = append(sets, rdb.B().Set().Key(key).Value("2=[]").Build())
				}
				for _, r := range rdb.DoMulti(t.Context(), sets...) {
					if err := r.Error(); err != nil {
						t.Fatal(err)
					}
				}
			}
			x := sample()
			c := newCache(t, func(t *testing.T, _ ...option) client { return s.Client(t) }, newRepo(x), patient)
			warm(t, c, x.ID)
			const times = 200
			before := calls(t, s)
			for range times {
				c.Invalidate(t.Context(), x.ID)
			}
			if grown, want := since(before, calls(t, s)), (map[string]int64{"del": 2 * times}); !maps.Equal(grown, want) {
				t.Errorf("%d invalidations sent %v, want %v", times, grown, want)
			}
			if n := c.Stats().Invalidations; n != times {
				t.Errorf("%d invalidations are counted", n)
			}
			// None of the old lists can be read any more, although all are there.
			n, err := rdb.Do(t.Context(), rdb.B().Dbsize().Build()).AsInt64()
			if err != nil || n < int64(lists) {
				t.Errorf("%d keys are left, %v", n, err)
			}
			loads := c.Stats().Loads
			list(t, c)
			if c.Stats().Loads != loads+1 {
				t.Error("a list from before the invalidation was read")
			}
		})
	}
}
