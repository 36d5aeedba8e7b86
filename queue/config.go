package queue

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Keep says how many finished jobs stay, and for how long. What goes beyond it
// is removed within seconds.
type Keep struct {
	Count int           // the newest so many; All: any number; 0: none
	Age   time.Duration // those that ended so long ago at most; 0: any
}

// All is the Count of a Keep that does not count.
const All = -1

// The ends of Keep.
var (
	KeepAll  = Keep{Count: All}
	KeepNone = Keep{}
)

// none reports whether finished jobs are removed at once.
func (k Keep) none() bool { return k.Count == 0 }

// opts is k in BullMQ's terms, where the rule is one of removal.
func (k Keep) opts() string {
	switch {
	case k == KeepAll:
		return "false"
	case k.none():
		return "true"
	case k.Age == 0:
		return strconv.Itoa(k.Count)
	case k.Count == All:
		return fmt.Sprintf(`{"age":%d}`, int(k.Age.Seconds()))
	}
	return fmt.Sprintf(`{"age":%d,"count":%d}`, int(k.Age.Seconds()), k.Count)
}

// Config is how a queue treats its jobs. Every process that shares a queue
// should have the same.
type Config struct {
	Prefix string // first part of every key; default "bull"
	Name   string // second part of every key; default "image-processing"

	Concurrency int // workers in this process, 1 to 1024; default: CPUs
	MaxWaiting  int // jobs that may wait or be delayed, beyond which Add refuses; 0, the default: any number

	MaxAttempts int           // attempts in all, at least 1; default 3
	Backoff     time.Duration // before attempt n+1: Backoff x 2^(n-1); default 2 s
	Jitter      float64       // 0 to 1: up to this share is added to a backoff; default 0.2

	Lease      time.Duration // a worker that stops renewing loses its job after this; 500 ms or more; default 10 s
	MaxStalls  int           // a job may lose its worker this often, once more and it fails; default 2
	JobTimeout time.Duration // wall time of one attempt; default 2 min

	KeepCompleted Keep // default KeepNone
	KeepFailed    Keep // default KeepAll
}

// DefaultConfig returns the defaults named at Config's fields.
func DefaultConfig() Config {
	return Config{
		Prefix: "bull", Name: "image-processing",
		Concurrency: runtime.NumCPU(),
		MaxAttempts: 3, Backoff: 2 * time.Second, Jitter: 0.2,
		Lease: 10 * time.Second, MaxStalls: 2, JobTimeout: 2 * time.Minute,
		KeepCompleted: KeepNone, KeepFailed: KeepAll,
	}
}

// Validate returns every mistake in c, joined.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("queue: "+format, args...))
		}
	}
	check(c.Prefix != "" && !strings.ContainsAny(c.Prefix, "{}"), "prefix %q: a name without braces is expected", c.Prefix)
	check(c.Name != "" && !strings.ContainsAny(c.Name, "{}:"), "name %q: a name without braces and colons is expected", c.Name)
	check(c.Concurrency >= 1 && c.Concurrency <= 1024, "concurrency %d: 1 to 1024 is expected", c.Concurrency)
	check(c.MaxWaiting >= 0, "jobs that may wait %d: 0 (any number) or more is expected", c.MaxWaiting)
	check(c.MaxAttempts >= 1, "attempts %d: at least 1 is expected", c.MaxAttempts)
	check(c.Backoff >= 0, "backoff %v: 0 or more is expected", c.Backoff)
	check(c.Jitter >= 0 && c.Jitter <= 1, "jitter %v: 0 to 1 is expected", c.Jitter)
	check(c.Lease >= 500*time.Millisecond, "lease %v: at least 500ms is expected", c.Lease)
	check(c.MaxStalls >= 0, "stalls %d: 0 or more is expected", c.MaxStalls)
	check(c.JobTimeout > 0, "job timeout %v: more than 0 is expected", c.JobTimeout)
	for _, k := range []Keep{c.KeepCompleted, c.KeepFailed} {
		check(k.Count >= All && k.Age >= 0, "jobs to keep %+v: a count of -1 (all), 0 (none) or more, and an age of 0 or more are expected", k)
	}
	return errors.Join(errs...)
}

// maxBackoff keeps a backoff within a day, however many attempts there are.
const maxBackoff = 24 * time.Hour

// backoff returns the wait after the given failed attempt, the first being 1.
// random is in [0,1).
func (c Config) backoff(attempt int, random float64) time.Duration {
	d := float64(c.Backoff) * math.Exp2(float64(attempt-1)) * (1 + c.Jitter*random)
	return time.Duration(min(d, float64(maxBackoff)))
}

// opts is what a job's hash says of these settings, in BullMQ's terms.
func (c Config) opts() string {
	return fmt.Sprintf(`{"attempts":%d,"backoff":{"type":"exponential","delay":%d},"removeOnComplete":%s,"removeOnFail":%s}`,
		c.MaxAttempts, c.Backoff.Milliseconds(), c.KeepCompleted.opts(), c.KeepFailed.opts())
}
