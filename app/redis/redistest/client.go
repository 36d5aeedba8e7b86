package redistest

import (
	"testing"

	"github.com/redis/rueidis"
)

// Client returns a client for s's database, closed with the test t, which may
// be a subtest of the one that started s. opts may change what is connected
// with, for example the password.
func (s *S) Client(t testing.TB, opts ...func(*rueidis.ClientOption)) rueidis.Client {
	t.Helper()
	opt := rueidis.ClientOption{
		InitAddress:       []string{s.Addr},
		SelectDB:          s.DB,
		ForceSingleClient: true,
	}
	for _, f := range opts {
		f(&opt)
	}
	c, err := rueidis.NewClient(opt)
	if err != nil {
		if c != nil { // rueidis returns a client together with an error
			c.Close()
		}
		t.Fatalf("redistest: connect to %s: %v", s.URL, err)
	}
	t.Cleanup(c.Close)
	return c
}
