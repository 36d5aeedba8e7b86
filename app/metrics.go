package app

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"revela/queue"
)

// metrics serves what the process counts, and more, in the Prometheus text format.
func (a *App) metrics(more ...prometheus.Collector) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		queueCollector{a.queue, &seldom{log: a.log, text: "metrics lack the queue", each: 5 * time.Second}},
	)
	registry.MustRegister(more...)
	for _, c := range []struct {
		name, help string
		value      func() int64
	}{
		{"cache_hits_total", "Reads answered by the cache.", func() int64 { return a.cache.Stats().Hits }},
		{"cache_misses_total", "Reads that the cache could not answer.", func() int64 { return a.cache.Stats().Misses }},
		{"cache_fills_total", "Values that were put into the cache.", func() int64 { return a.cache.Stats().Fills }},
		{"cache_local_hits_total", "Hits that cost no round trip.", func() int64 { return a.cache.Stats().LocalHits }},
		{"cache_refused_total", "Values that were not put into the cache because a change had come in between.", func() int64 { return a.cache.Stats().Refused }},
		{"cache_waits_total", "Misses that waited for another process to fill the entry.", func() int64 { return a.cache.Stats().Waits }},
		{"cache_uncached_total", "Reads of lists and totals that are never cached.", func() int64 { return a.cache.Stats().Uncached }},
		{"cache_invalidations_total", "Changes that made cached values unreachable.", func() int64 { return a.cache.Stats().Invalidations }},
		{"cache_loads_total", "Reads of the store on behalf of the cache.", func() int64 { return a.cache.Stats().Loads }},
		{"cache_deferred_total", "Invalidations that Redis did not take at once.", func() int64 { return a.cache.Stats().Deferred }},
		{"cache_fallbacks_total", "Reads that went past a cache in trouble.", func() int64 { return a.cache.Stats().Fallbacks }},
		{"events_lost_total", "Events that could not be published.", func() int64 { return int64(a.publisher.Lost()) }},
	} {
		registry.MustRegister(prometheus.NewCounterFunc(
			prometheus.CounterOpts{Namespace: "revela", Name: c.name, Help: c.help},
			func() float64 { return float64(c.value()) }))
	}
	registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{
			Namespace: "revela", Name: "cache_owed",
			Help: "Tasks whose invalidation Redis has not taken yet.",
		}, func() float64 { return float64(a.cache.Stats().Owed) }))
	registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{
			Namespace: "revela", Name: "imaging_info", Help: "What decodes and encodes JPEG; always 1.",
			ConstLabels: prometheus.Labels{"jpeg": a.images.Codec()},
		}, func() float64 { return 1 }))
	if a.pool != nil {
		a.work.register(registry)
		registry.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Namespace: "revela", Name: "workers_busy", Help: "Workers of this process that have a job."},
			func() float64 { return float64(a.pool.Busy()) }))
		registry.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Namespace: "revela", Name: "workers_stuck", Help: "Those of them that do not stop although their attempt has ended."},
			func() float64 { return float64(a.pool.Stuck()) }))
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry})
}

// queueCollector reads the queue's statistics when it is asked for them.
type queueCollector struct {
	queue *queue.Queue
	lack  *seldom
}

var (
	queueJobs = prometheus.NewDesc("revela_queue_jobs", "Jobs in the queue, by state.", []string{"state"}, nil)
	queueDone = prometheus.NewDesc("revela_queue_finished_total", "Jobs that ended since the queue was made, by outcome.", []string{"outcome"}, nil)
	queueAge  = prometheus.NewDesc("revela_queue_oldest_waiting_seconds", "Age of the oldest job that waits, 0 if none does.", nil, nil)
)

func (queueCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- queueJobs
	ch <- queueDone
	ch <- queueAge
}

func (c queueCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s, err := c.queue.Stats(ctx)
	var oldest time.Duration
	if err == nil {
		oldest, err = c.queue.Oldest(ctx)
	}
	if err != nil {
		c.lack.warn(zap.Error(err))
		return
	}
	for state, n := range map[queue.State]int64{
		queue.Waiting: s.Waiting, queue.Active: s.Active, queue.Completed: s.Completed,
		queue.Failed: s.Failed, queue.Delayed: s.Delayed, queue.Paused: s.Paused,
	} {
		ch <- prometheus.MustNewConstMetric(queueJobs, prometheus.GaugeValue, float64(n), string(state))
	}
	ch <- prometheus.MustNewConstMetric(queueDone, prometheus.CounterValue, float64(s.CompletedTotal), "completed")
	ch <- prometheus.MustNewConstMetric(queueDone, prometheus.CounterValue, float64(s.FailedTotal), "failed")
	ch <- prometheus.MustNewConstMetric(queueAge, prometheus.GaugeValue, oldest.Seconds())
}
