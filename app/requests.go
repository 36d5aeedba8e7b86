package app

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requests counts HTTP requests and how long they took. Its labels take few
// values, whatever clients send: the patterns of routes, a handful of methods
// and the class of the status.
type requests struct {
	times  *prometheus.HistogramVec
	series sync.Map // of prometheus.Observer by labels
}

// labels are the values of times' labels.
type labels struct{ route, method, status string }

func newRequests() *requests {
	return &requests{times: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "revela", Name: "http_request_duration_seconds",
		Help:    "HTTP requests by route, method and class of status; an event stream lasts as long as it is open.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "method", "status"})}
}

// observe is an api.ObserveFunc.
func (r *requests) observe(route, method string, status int, took time.Duration) {
	if route == "" {
		route = "other" // the dashboard's files, and what is nowhere
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodOptions:
	default:
		method = "other"
	}
	r.find(labels{route, method, statusClass(status)}).Observe(took.Seconds())
}

// find returns a series without the lock of times, over which the requests of all
// processors would meet.
func (r *requests) find(l labels) prometheus.Observer {
	if o, ok := r.series.Load(l); ok {
		return o.(prometheus.Observer)
	}
	o := r.times.WithLabelValues(l.route, l.method, l.status)
	r.series.Store(l, o)
	return o
}

func statusClass(status int) string {
	switch status / 100 {
	case 1:
		return "1xx"
	case 2:
		return "2xx"
	case 3:
		return "3xx"
	case 4:
		return "4xx"
	default:
		return "5xx"
	}
}
