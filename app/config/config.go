package config

import (
	"net/netip"
	"runtime"
	"strings"
	"time"

	"revela/imaging"
)

// Config is the effective configuration. It is not changed after Load, so it
// may be read by any goroutine. Defaults and ranges stand in the table of
// settings, the first in config.yaml too.
type Config struct {
	Server Server
	Mongo  Mongo
	Redis  Redis
	Queue  Queue
	Cache  Cache
	Data   Data
	Upload Upload
	Image  Image
	Fetch  Fetch
	Log    Log

	origins map[string]origin // by key; a missing one is the default
}

// Server is what the HTTP server needs.
type Server struct {
	Host         string        // address or name to listen on, IPv6 without brackets
	Port         int           // 0 takes any free port
	APIKey       string        // "" asks for none; secret
	AuthDisabled bool          // allows a public Host without APIKey
	MaxWrongKeys int           // a minute from one address; 0 is any number
	MaxConns     int           // open at the same time; 0 is any number
	Grace        time.Duration // how long running work may go on after SIGTERM; 0 hands it back at once
}

// Loopback reports whether only this machine can reach the server.
func (s Server) Loopback() bool {
	if strings.EqualFold(s.Host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(s.Host)
	return err == nil && addr.Unmap().IsLoopback()
}

// Mongo is the document store. Without URI the embedded store is used.
type Mongo struct {
	URI      string // secret
	Database string
}

// Redis is the server of queue, cache and events. With neither URL nor Host the
// embedded one is used.
type Redis struct {
	URL      string // secret; excludes the four below
	Host     string
	Port     int
	Password string // secret
	DB       int
	Embedded string // "auto", "server" (a child process) or "process" (in this one)
}

// IsEmbedded reports whether no external server is configured.
func (r Redis) IsEmbedded() bool { return r.URL == "" && r.Host == "" }

// Queue is the job queue and its workers.
type Queue struct {
	Prefix, Name     string        // of its keys
	Concurrency      int           // workers of this process, or Auto; see Workers
	MaxRetries       int           // attempts in all
	BackoffDelay     time.Duration // before the second attempt, doubled for each later one
	BackoffJitter    float64       // 0 to 1: up to this share of the delay is added
	Lease            time.Duration // a silent worker loses its job after this
	MaxStalled       int           // workers that one job may lose
	JobTimeout       time.Duration // wall time of one attempt
	MaxWaiting       int           // tasks that may wait or be delayed; 0 is any number
	RemoveOnComplete Keep
	RemoveOnFail     Keep
}

// Auto is the Concurrency that means one worker a CPU.
const Auto = -1

// Workers resolves Concurrency: what is configured, or the number of CPUs that
// this process may use.
func (q Queue) Workers() int {
	if q.Concurrency == Auto {
		return runtime.GOMAXPROCS(0)
	}
	return q.Concurrency
}

// Keep says how many finished jobs the queue keeps, and for how long. In text it
// is turned round, because the settings say what is removed: "false" is to keep
// all and "true" is to keep none.
type Keep struct {
	Count int           // the newest so many; -1 is any number
	Age   time.Duration // 0 is for ever
}

// Cache is how long cached reads live.
type Cache struct {
	TaskTTL, ListTTL, CountTTL time.Duration
}

// Data is where files are.
type Data struct {
	Dir       string // absolute; files and embedded databases
	ImportDir string // absolute; what imagePath may read, "" refuses every path
}

// Upload limits what is accepted.
type Upload struct {
	MaxBytes int64
}

// Image limits and shapes what is made of a picture.
type Image struct {
	MaxPixels    int64                        // width x height of an original
	MemoryBudget int64                        // bytes of decoded pixels at any moment, in this process
	Turbo        string                       // "auto" (the system's libjpeg-turbo where there is one) or "off"
	Progressive  bool                         // JPEG variants
	Variants     map[string][]imaging.Variant // by the name of their set; there is a "default"
}

// Fetch bounds the reading of imageUrl.
type Fetch struct {
	Timeout      time.Duration
	AllowPrivate bool // lets it reach addresses that are not public
}

// Log is how the process speaks.
type Log struct {
	Level  string // "debug", "info", "warn" or "error"
	Format string // "auto" (console on a terminal, else json), "console" or "json"
}
