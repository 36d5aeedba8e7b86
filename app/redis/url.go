package redis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

type kind int

const (
	kindEmbedded kind = iota
	kindSingle        // one address, which may turn out to be a cluster
	kindCluster
	kindSentinel
	kindUnix
)

// target is where to connect, with the secrets that it takes.
type target struct {
	kind  kind
	addrs []string // host:port, or a path for kindUnix
	tls   bool

	user, password string
	db             int
	hasDB          bool // the URL named db

	master                         string // name of the master set, for kindSentinel
	sentinelUser, sentinelPassword string
}

// String names the target without its secrets.
func (t target) String() string {
	addrs := strings.Join(t.addrs, ",")
	switch t.kind {
	case kindEmbedded:
		return "embedded"
	case kindSentinel:
		return fmt.Sprintf("master %s by sentinels %s", t.master, addrs)
	case kindCluster:
		return "cluster " + addrs
	default:
		return addrs
	}
}

func (t target) secrets() []string {
	var s []string
	for _, p := range []string{t.password, t.sentinelPassword} {
		if p != "" {
			s = append(s, p)
		}
	}
	return s
}

var errEscape = errors.New("a user or password with special characters must be percent-encoded (@ is %40, / is %2F)")

// parseURL reads the forms that Config.URL documents. net/url refuses a list of
// hosts with ports, so only its escapes and queries are used. No error repeats
// anything that could be a part of a password.
func parseURL(raw string) (target, error) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(raw), "://")
	if !ok {
		return target{}, errors.New("expected redis://host:port, rediss://, redis-sentinel:// or unix://")
	}
	var t target
	switch strings.ToLower(scheme) {
	case "redis", "valkey":
		t.kind = kindSingle
	case "rediss", "valkeys":
		t.kind, t.tls = kindSingle, true
	case "redis-sentinel", "redis+sentinel":
		t.kind = kindSentinel
	case "rediss-sentinel", "rediss+sentinel":
		t.kind, t.tls = kindSentinel, true
	case "unix":
		t.kind = kindUnix
	default:
		return target{}, fmt.Errorf("unknown scheme %q; expected redis, rediss, redis-sentinel or unix", scheme)
	}

	rest, rawQuery, _ := strings.Cut(rest, "?")
	authority, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	hosts := authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		hosts = authority[i+1:]
		if err := t.parseUser(authority[:i]); err != nil {
			return target{}, err
		}
	}
	if strings.ContainsAny(path, "@#") || strings.ContainsAny(rawQuery, "@#") || strings.ContainsRune(authority, '#') {
		return target{}, errEscape
	}
	if err := t.parsePlace(hosts, path); err != nil {
		return target{}, err
	}
	if err := t.parseQuery(rawQuery); err != nil {
		return target{}, err
	}
	return t, nil
}

func (t *target) parseUser(info string) error {
	user, password, _ := strings.Cut(info, ":")
	var err error
	if t.user, err = url.PathUnescape(user); err != nil {
		return errEscape
	}
	if t.password, err = url.PathUnescape(password); err != nil {
		return errEscape
	}
	return nil
}

// parsePlace reads hosts and path, whose meaning depends on the scheme.
func (t *target) parsePlace(hosts, path string) error {
	if t.kind == kindUnix {
		if hosts != "" || len(path) < 2 {
			return errors.New("expected unix:///absolute/path/to/redis.sock")
		}
		t.addrs = []string{path}
		return nil
	}

	port := defaultPort
	if t.kind == kindSentinel {
		port = defaultSentinelPort
	}
	for h := range strings.SplitSeq(hosts, ",") {
		addr, err := parseAddr(h, port)
		if err != nil {
			return err
		}
		t.addrs = append(t.addrs, addr)
	}
	if t.kind == kindSingle && len(t.addrs) > 1 {
		t.kind = kindCluster
	}

	path = strings.Trim(path, "/")
	if t.kind == kindSentinel {
		t.master, path, _ = strings.Cut(path, "/")
		if t.master == "" {
			return errors.New("expected the name of the master set, as in redis-sentinel://host:26379/mymaster")
		}
	}
	if path == "" {
		return nil
	}
	return t.setDB(path)
}

func (t *target) parseQuery(raw string) error {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return errors.New("the part after ? is not of the form name=value&name=value")
	}
	for name, values := range q {
		v := values[len(values)-1]
		switch {
		case name == "db" && t.kind == kindUnix:
			if err := t.setDB(v); err != nil {
				return err
			}
		case name == "sentinel_username" && t.kind == kindSentinel:
			t.sentinelUser = v
		case name == "sentinel_password" && t.kind == kindSentinel:
			t.sentinelPassword = v
		default:
			return fmt.Errorf("unknown parameter %q after the ?", name)
		}
	}
	return nil
}

func (t *target) setDB(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is no database number; expected 0 or more", s)
	}
	t.db, t.hasDB = n, true
	return nil
}

// parseAddr reads host, host:port, [v6] or [v6]:port.
func parseAddr(s string, port int) (string, error) {
	host := s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n < 1 || n > 65535 {
			return "", fmt.Errorf("bad port in %q; expected host:port with 1 to 65535", s)
		}
		host, port = s[:i], n
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	} else if strings.ContainsRune(host, ':') {
		return "", fmt.Errorf("bad address %q; an IPv6 address goes into brackets", s)
	}
	if host == "" {
		return "", errors.New("a host is missing; expected host:port")
	}
	return joinHostPort(host, port), nil
}

func joinHostPort(host string, port int) string {
	return net.JoinHostPort(host, strconv.Itoa(port))
}
