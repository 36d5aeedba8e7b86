package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/zap"
)

const (
	clientName = "revela"
	// cacheBytes bounds the copies of cached entries that one connection keeps.
	// rueidis has up to four to a single server, so a process keeps 64 MiB at
	// most, and one to each node of a cluster. A task is about a kilobyte; the
	// default of 128 MiB each is meant for a host of its own.
	cacheBytes = 16 << 20
	// A failover or a new shard is noticed by errors and messages; asking again
	// now and then finds what those missed.
	sentinelRefresh = 5 * time.Second
	clusterRefresh  = 30 * time.Second
)

// baseOptions is what every kind of client shares.
func baseOptions() rueidis.ClientOption {
	return rueidis.ClientOption{
		ClientName:        clientName,
		Dialer:            netDialer(),
		ConnWriteTimeout:  replyTimeout,
		CacheSizeEachConn: cacheBytes,
		RetryDelay: func(attempts int, _ rueidis.Completed, _ error) time.Duration {
			return backoff(attempts)
		},
	}
}

func externalOptions(t target, base *tls.Config) (rueidis.ClientOption, dialFunc) {
	opt := baseOptions()
	opt.InitAddress = t.addrs
	opt.Username, opt.Password, opt.SelectDB = t.user, t.password, t.db
	if t.tls {
		opt.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		if base != nil {
			opt.TLSConfig = base.Clone()
		}
	}
	switch t.kind {
	case kindUnix:
		opt.ForceSingleClient = true
		return opt, dialUnix
	case kindSentinel:
		opt.Sentinel = rueidis.SentinelOption{
			Dialer: opt.Dialer, TLSConfig: opt.TLSConfig,
			MasterSet: t.master, ClientName: clientName,
			Username: t.sentinelUser, Password: t.sentinelPassword,
			TopologyRefreshInterval: sentinelRefresh,
		}
	default:
		opt.ClusterOption.ShardsRefreshInterval = clusterRefresh
	}
	return opt, dialTCP
}

// connect tries until a server answers a PING, ctx ends or trying is useless.
// tracking is false when the server cannot tell us of changes to cached keys.
func connect(ctx context.Context, opt rueidis.ClientOption, log *zap.Logger) (c rueidis.Client, tracking bool, err error) {
	for n := 1; ; n++ {
		if c, err = tryConnect(ctx, opt); err == nil {
			return c, !opt.DisableCache, nil
		}
		if errors.Is(err, rueidis.ErrNoCache) && !opt.DisableCache {
			opt.DisableCache = true
			log.Info("redis offers no client-side caching, so each cached read asks it",
				zap.String("reason", firstLine(redact(err, []string{opt.Password}))))
			continue
		}
		if permanent(err) || wait(ctx, backoff(n)) != nil {
			return nil, false, err
		}
	}
}

func tryConnect(ctx context.Context, opt rueidis.ClientOption) (rueidis.Client, error) {
	c, err := rueidis.NewClient(opt)
	if err == nil {
		err = ping(ctx, c)
	}
	if err != nil {
		if c != nil { // rueidis may return a client together with an error
			c.Close()
		}
		return nil, err
	}
	return c, nil
}

// ping is answered with an error while the server is loading its data. Unlike
// reads, rueidis does not repeat it.
func ping(ctx context.Context, c rueidis.Client) error {
	return c.Do(ctx, c.B().Ping().Build()).Error()
}

// hello returns the server's name and version, empty where it may not be asked.
func hello(ctx context.Context, c rueidis.Client) (name, version string) {
	reply, err := c.Do(ctx, c.B().Arbitrary("HELLO").Build()).AsMap()
	if err != nil {
		return "redis", ""
	}
	server, v := reply["server"], reply["version"]
	if name, err = server.ToString(); err != nil {
		name = "redis"
	}
	version, _ = v.ToString() // empty is "unknown"
	return name, version
}

// checkVersion refuses a server that lacks BLMOVE, which came with Redis 6.2. An
// unknown version passes.
func checkVersion(v string) error {
	major, rest, _ := strings.Cut(v, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(major)
	if err != nil {
		return nil
	}
	b, _ := strconv.Atoi(minor) // "7" is 7.0
	if a < 6 || a == 6 && b < 2 {
		return fmt.Errorf("the server is version %s; 6.2 or newer is needed", v)
	}
	return nil
}

// refusals are replies that the same configuration will get again, with what to
// do about them.
var refusals = []struct{ contains, hint string }{
	{"WRONGPASS", "check the user and password"},
	{"NOAUTH", "set REDIS_PASSWORD, or put the password into REDIS_URL"},
	{"NOPERM", "give the user that right in Redis' access list"},
	{"DENIED", "the server is in protected mode: give it a password or bind it to the right address"},
	{"DB index is out of range", "choose a database that the server has (its setting databases)"},
	{"cluster support disabled", "several addresses mean a cluster; name one address for a single server"},
	{"SELECT is not allowed in cluster mode", "a cluster has only database 0"},
	{"6.2 or newer is needed", "upgrade the server"},
}

// permanent says whether trying again cannot help.
func permanent(err error) bool {
	_, stays := diagnose(err)
	return stays
}

// diagnose returns a hint, empty if it has none, and whether the error will stay.
func diagnose(err error) (hint string, stays bool) {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the server's certificate is not trusted; give SSL_CERT_FILE the authority that signed it", true
	}
	if errors.Is(err, errHandshake) {
		return "if the server does not speak TLS on that port, use redis:// instead of rediss://", false
	}
	if errors.Is(err, os.ErrPermission) {
		return "this user may not open the socket", true
	}
	for _, r := range refusals {
		if strings.Contains(err.Error(), r.contains) {
			return r.hint, true
		}
	}
	return "", false
}

// explain makes of the last error of connecting one that says where and what to
// do. last is what the dialer saw, which rueidis may have replaced by something
// less telling.
func explain(err error, t target, limit time.Duration, last error) error {
	hint, _ := diagnose(err)
	if hint == "" && last != nil {
		if hint, _ = diagnose(last); hint != "" || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			err = last
		}
	}
	err = redact(err, t.secrets())
	switch {
	case t.kind == kindEmbedded:
		return fmt.Errorf("the embedded redis: %w", err)
	case permanent(err):
		return fmt.Errorf("redis at %s: %w; %s", t, err, hint)
	case hint == "":
		hint = "start it or correct the address, or leave REDIS_URL and REDIS_HOST unset to use the embedded one"
	}
	return fmt.Errorf("redis at %s did not answer for %s: %w; %s", t, limit, err, hint)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
