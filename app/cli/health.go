package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"revela/app/client"
	"revela/app/config"
)

func healthCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "health",
		Short: "Ask the server on this machine whether it can serve",
		Long: `Asks /readyz at the configured address; status 0 means that it can serve.
Containers use it as their health check.`,
		Example: `  app health
  app health --url http://127.0.0.1:9090    a worker that was started with --http`,
		Args: none,
	}
	load := Configured(c, "server.host", "server.port")
	address := c.Flags().String("url", "", "ask the server at this `URL` instead")
	timeout := c.Flags().Duration("timeout", 2*time.Second, "give up after this long")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var candidates []string
		if *address != "" {
			base, err := client.Address(*address)
			if err != nil {
				return WrongUsage(c, err)
			}
			candidates = []string{base}
		} else {
			cfg, err := load()
			if err != nil {
				return err
			}
			if candidates, err = localURLs(cfg.Server); err != nil {
				return Hint(err, "set SERVER_PORT, or name the address with --url")
			}
		}
		ctx, cancel := context.WithTimeout(c.Context(), *timeout)
		defer cancel()
		if err := anyReady(ctx, candidates); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), "ready")
		return err
	}
	return c
}

// localURLs are the places at which this machine reaches a server. One that
// listens on every address is asked on the loopback, and "::" may or may not
// include IPv4.
func localURLs(s config.Server) ([]string, error) {
	if s.Port == 0 {
		return nil, errors.New("the server takes any free port, so it is not known where it listens")
	}
	hosts := []string{s.Host}
	if addr, err := netip.ParseAddr(s.Host); err == nil && addr.Unmap().IsUnspecified() {
		hosts = []string{"127.0.0.1"}
		if addr.Is6() {
			hosts = []string{"127.0.0.1", "::1"}
		}
	}
	var urls []string
	for _, h := range hosts {
		u := url.URL{Scheme: "http", Host: net.JoinHostPort(h, strconv.Itoa(s.Port))}
		urls = append(urls, u.String())
	}
	return urls, nil
}

// anyReady asks one address after the other, as long as nothing listens.
func anyReady(ctx context.Context, urls []string) error {
	var err error
	for _, u := range urls {
		err = ready(ctx, u)
		var unreachable *net.OpError
		if err == nil || !errors.As(err, &unreachable) {
			break
		}
	}
	return err
}

// ready asks one server. It goes straight there: a proxy is none of its way.
func ready(ctx context.Context, base string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	direct := &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := direct.Do(req)
	if err != nil {
		return Hint(fmt.Errorf("the server at %s does not answer: %w", base, bare(err)), "is it running?")
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, 8<<10))
	return fmt.Errorf("the server at %s is not ready: %s", base, oneLine(res.Status, body))
}

// oneLine sums up an answer for people.
func oneLine(status string, body []byte) string {
	var compact strings.Builder
	if v := json.RawMessage(body); json.Valid(v) {
		for _, line := range strings.Fields(string(v)) {
			compact.WriteString(line + " ")
		}
		return status + " " + strings.TrimSpace(compact.String())
	}
	return status
}

// bare drops the method and the URL that net/http repeats.
func bare(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
