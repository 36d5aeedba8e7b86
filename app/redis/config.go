package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Ways to run the embedded server, for Config.Embedded.
const (
	EmbeddedAuto    = "auto"    // a child where a server program is installed, else in-process
	EmbeddedServer  = "server"  // a child, or an error
	EmbeddedProcess = "process" // in-process, which forgets everything on exit
)

const (
	defaultPort           = 6379
	defaultSentinelPort   = 26379
	defaultConnectTimeout = 10 * time.Second
	embeddedDatabases     = 16
)

// Config says which Redis to use. Without URL and Host it is the embedded one.
type Config struct {
	// URL is one of
	//
	//	redis://[[user]:password@]host[:6379][/db]        rediss:// for TLS
	//	redis://[[user]:password@]host1:6379,host2:6379   a cluster, by any of its nodes
	//	redis-sentinel://[[user]:password@]host1[:26379],host2/master[/db]
	//	unix://[[user]:password@]/path/to/redis.sock[?db=0]
	//
	// A password in it must be percent-encoded. A cluster behind one address is
	// recognised too. redis+sentinel:// is the same as redis-sentinel://, and
	// rediss-sentinel:// uses TLS to both Sentinel and Redis; sentinel_username=
	// and sentinel_password= in the query are for the Sentinels themselves.
	URL string

	// Host is a single server's name or IP address, instead of URL.
	Host string
	// Port belongs to Host: 1 to 65535; 0 means 6379.
	Port int
	// Password belongs to Host, or to a URL that has none.
	Password string
	// DB is the database number, 0 or more, where URL names none. A cluster has
	// only 0, the embedded server 0 to 15.
	DB int

	// DataDir holds the embedded server's data in its folder redis. Processes
	// with the same DataDir share one server.
	DataDir string
	// Embedded is one of the Embedded constants; empty means auto.
	Embedded string

	// ConnectTimeout bounds Open's tries to reach a server: 0 means 10 s.
	ConnectTimeout time.Duration
	// TLS is the base for connections to rediss addresses, for example with a
	// private authority; nil means the system's authorities.
	TLS *tls.Config
}

// Validate reports every mistake at once, by the names that the settings have
// in the environment, and never shows a password.
func (c Config) Validate() error {
	_, err := c.resolve()
	return err
}

func (c Config) withDefaults() Config {
	if c.Port == 0 {
		c.Port = defaultPort
	}
	if c.Embedded == "" {
		c.Embedded = EmbeddedAuto
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = defaultConnectTimeout
	}
	return c
}

// resolve checks the configuration and works out what to connect to.
func (c Config) resolve() (target, error) {
	c = c.withDefaults()
	var t target
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if c.Port < 1 || c.Port > 65535 {
		bad("REDIS_PORT: %d is not a port; expected 1 to 65535", c.Port)
	}
	if c.DB < 0 {
		bad("REDIS_DB: %d is no database number; expected 0 or more", c.DB)
	}
	if c.ConnectTimeout < 0 {
		bad("the time to connect to Redis: %s is negative", c.ConnectTimeout)
	}
	switch c.Embedded {
	case EmbeddedAuto, EmbeddedServer, EmbeddedProcess:
	default:
		bad("the way to embed Redis: %q is unknown; expected auto, server or process", c.Embedded)
	}

	switch {
	case c.URL != "" && c.Host != "":
		bad("REDIS_URL and REDIS_HOST are both set; expected one of them")
	case c.URL != "":
		var err error
		if t, err = parseURL(c.URL); err != nil {
			bad("REDIS_URL: %w", err)
			break
		}
		if t.password == "" {
			t.password = c.Password
		} else if c.Password != "" && c.Password != t.password {
			bad("REDIS_PASSWORD differs from the password in REDIS_URL; expected one of them")
		}
		if t.user != "" && t.password == "" {
			bad("REDIS_URL: a user without a password; a password alone is written redis://:password@host")
		}
		if !t.hasDB {
			t.db = c.DB
		} else if c.DB != 0 && c.DB != t.db {
			bad("REDIS_DB: %d differs from the database %d in REDIS_URL; expected one of them", c.DB, t.db)
		}
		if t.kind == kindCluster && t.db != 0 {
			bad("REDIS_DB: a cluster has only database 0, not %d", t.db)
		}
	case c.Host != "":
		t = target{kind: kindSingle, password: c.Password, db: c.DB}
		if strings.ContainsAny(c.Host, ",/@ ") {
			bad("REDIS_HOST: expected one host name or address; several addresses go into REDIS_URL")
			break
		}
		t.addrs = []string{joinHostPort(strings.Trim(c.Host, "[]"), c.Port)}
	default:
		t = target{kind: kindEmbedded, db: c.DB}
		if c.Password != "" {
			bad("REDIS_PASSWORD is set, but neither REDIS_URL nor REDIS_HOST; the embedded Redis has no password")
		}
		if c.DB >= embeddedDatabases {
			bad("REDIS_DB: the embedded Redis has no database %d; expected 0 to %d", c.DB, embeddedDatabases-1)
		}
		if c.DataDir == "" {
			bad("DATA_DIR is empty; the embedded Redis needs a folder")
		}
	}
	return t, errors.Join(errs...)
}
