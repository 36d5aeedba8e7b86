package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"revela/queue"
)

// workMetrics counts what the pool of this process does.
type workMetrics struct {
	waited   prometheus.Histogram
	ran      *prometheus.HistogramVec // by outcome
	attempts *prometheus.HistogramVec // by final outcome
	repairs  *prometheus.CounterVec   // by kind
	sweeps   *prometheus.CounterVec   // by result
}

func newWorkMetrics() *workMetrics {
	seconds := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	m := &workMetrics{
		waited: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "revela", Name: "job_wait_seconds", Buckets: seconds,
			Help: "How long a job waited before it began for the first time, without a delay that was asked for. Each job is counted once.",
		}),
		ran: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "revela", Name: "job_run_seconds", Buckets: seconds,
			Help: "Duration of one attempt, by outcome; lease_lost is one whose job was another's at its end.",
		}, []string{"outcome"}),
		attempts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "revela", Name: "job_attempts", Buckets: []float64{1, 2, 3, 4, 5, 10, 20},
			Help: "Attempts that a job took to end, by outcome.",
		}, []string{"outcome"}),
		repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "revela", Name: "queue_repairs_total",
			Help: "What this process set right in the queue, by kind.",
		}, []string{"kind"}),
		sweeps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "revela", Name: "queue_sweeps_total",
			Help: "Looks of this process for jobs that nobody works on, by result.",
		}, []string{"result"}),
	}
	// So that each is there before it first happens.
	for _, o := range []queue.Outcome{queue.Done, queue.Retried, queue.GaveUp, queue.Released, queue.Deprived} {
		m.ran.WithLabelValues(string(o))
	}
	for _, o := range []queue.Outcome{queue.Done, queue.GaveUp} {
		m.attempts.WithLabelValues(string(o))
	}
	for _, r := range []queue.Repair{queue.Stalled, queue.Unbegun, queue.Leaseless, queue.Unlisted, queue.Ghost, queue.Orphan, queue.Broken} {
		m.repairs.WithLabelValues(string(r))
	}
	for _, ok := range []bool{true, false} {
		m.sweeps.WithLabelValues(result(ok))
	}
	return m
}

func (m *workMetrics) register(r *prometheus.Registry) {
	r.MustRegister(m.waited, m.ran, m.attempts, m.repairs, m.sweeps)
}

func (m *workMetrics) started(waited time.Duration) { m.waited.Observe(waited.Seconds()) }

func (m *workMetrics) ended(e queue.Ended) {
	m.ran.WithLabelValues(string(e.Outcome)).Observe(e.Ran.Seconds())
	if e.Outcome == queue.Done || e.Outcome == queue.GaveUp {
		m.attempts.WithLabelValues(string(e.Outcome)).Observe(float64(e.Attempt))
	}
}

func (m *workMetrics) repaired(r queue.Repair, n int) {
	m.repairs.WithLabelValues(string(r)).Add(float64(n))
}

func (m *workMetrics) swept(ok bool) { m.sweeps.WithLabelValues(result(ok)).Inc() }

func result(ok bool) string {
	if ok {
		return "ok"
	}
	return "error"
}
