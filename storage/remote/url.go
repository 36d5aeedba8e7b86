package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"revela/task"
)

const (
	maxURL       = 2048     // bytes of a URL
	maxRedirects = 3        // of one fetch
	maxHeader    = 64 << 10 // bytes of an answer's header
	dialTimeout  = 10 * time.Second
)

func newClient(g guard, resolver *net.Resolver, redirect func(*http.Request, []*http.Request) error) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: g.dial, Resolver: resolver}
	return &http.Client{
		CheckRedirect: redirect,
		Transport: &http.Transport{
			// No proxy, whatever the environment says: it would do the connecting,
			// and our check would see only its address.
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
			TLSHandshakeTimeout:    dialTimeout,
		},
	}
}

// parse checks a URL as far as its text goes.
func (f *Fetcher) parse(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, fmt.Errorf("the URL has %d bytes, at most %d are read", len(raw), maxURL)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	return u, f.check(u)
}

func (f *Fetcher) check(u *url.URL) error {
	var port uint64
	switch u.Scheme {
	case "http":
		port = 80
	case "https":
		port = 443
	default:
		return fmt.Errorf("the scheme %q is neither http nor https", u.Scheme)
	}
	host := u.Hostname()
	switch {
	case host == "" || u.Opaque != "":
		return errors.New("the URL names no host")
	case u.User != nil:
		return errors.New("the URL carries credentials")
	}
	if p := u.Port(); p != "" {
		var err error
		if port, err = strconv.ParseUint(p, 10, 16); err != nil {
			return fmt.Errorf("port %q: %w", p, err)
		}
	}
	if err := f.guard.port(uint16(port)); err != nil {
		return err
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return f.guard.addr(ip)
	}
	return nil
}

// checkRedirect is the client's; what it refuses is permanent.
func (f *Fetcher) checkRedirect(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return refused(fmt.Errorf("more than %d redirects", maxRedirects))
	}
	if err := f.check(next.URL); err != nil {
		return refused(err)
	}
	next.Header.Del("Referer") // one host's URLs are none of the next one's business
	return nil
}

func (f *Fetcher) fetchURL(ctx context.Context, raw string) (io.ReadCloser, error) {
	u, err := f.parse(raw)
	if err != nil {
		return nil, refused(err)
	}
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	req, err := http.NewRequestWithContext(limited, http.MethodGet, u.String(), nil)
	if err != nil {
		cancel()
		return nil, refused(err)
	}
	req.Header.Set("Accept", "image/*")
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "revela")
	resp, err := f.client.Do(req)
	if err != nil {
		cancel()
		return nil, failure(ctx, err)
	}
	if err := f.judge(resp); err != nil {
		cancel()
		_ = resp.Body.Close()
		return nil, err
	}
	return &body{ctx: ctx, ReadCloser: resp.Body, end: cancel, left: f.maxBytes, limit: f.maxBytes}, nil
}

// judge decides by its header whether an answer is a picture to read.
func (f *Fetcher) judge(resp *http.Response) error {
	code := resp.StatusCode
	switch {
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code == http.StatusTooEarly:
		return fmt.Errorf("%w: it answered %d", ErrUnreachable, code)
	case code != http.StatusOK:
		return fmt.Errorf("%w: it answered %d", task.ErrSourceRefused, code)
	case resp.ContentLength > f.maxBytes:
		return tooLarge(f.maxBytes)
	}
	if enc := resp.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return fmt.Errorf("%w: it is encoded as %.20q, unasked", task.ErrSourceRefused, enc)
	}
	return nil
}

// failure is what the client hears about err, which happened under ctx.
func failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var ours *Error
	if errors.As(err, &ours) {
		return ours
	}
	return unreachable(err)
}
