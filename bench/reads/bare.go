package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// take is one answer that the bare server repeats at a path.
type take struct {
	Path   string
	Header http.Header
	Body   []byte
}

// mirror starts a bare gin server that gives the same answers as p.
func (s *stage) mirror(ctx context.Context, p peer) (peer, error) {
	bare := peer{who: "bare-gin", metrics: true}
	var takes []take
	for i, target := range p.targets {
		t, err := record(p.addr, target, phases[i].gzip)
		if err != nil {
			return peer{}, err
		}
		t.Path = "/" + phases[i].name
		bare.targets[i] = t.Path
		takes = append(takes, t)
	}
	script := filepath.Join(s.dir, "takes.json")
	data, err := json.Marshal(takes)
	if err != nil {
		return peer{}, err
	}
	if err := os.WriteFile(script, data, 0o600); err != nil {
		return peer{}, err
	}
	bare.server, err = s.serve(ctx, bare.who, "/healthz", func(port string) *exec.Cmd {
		return self(roleBare, "127.0.0.1:"+port, script)
	})
	return bare, err
}

// record fetches an answer as the driver gets it.
func record(addr, target string, gzip bool) (take, error) {
	client := http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+target, nil)
	if err != nil {
		return take{}, err
	}
	if gzip {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := client.Do(req)
	if err != nil {
		return take{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return take{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return take{}, fmt.Errorf("GET %s answered %s", target, resp.Status)
	}
	resp.Header.Del("Date") // net/http writes its own
	return take{Header: resp.Header, Body: body}, nil
}

// serveBare is the bare server's process.
func serveBare(addr, script string) error {
	data, err := os.ReadFile(script)
	if err != nil {
		return err
	}
	var takes []take
	if err := json.Unmarshal(data, &takes); err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	for _, t := range takes {
		e.GET(t.Path, t.repeat())
	}
	e.GET("/healthz", func(c *gin.Context) { c.Status(http.StatusOK) })
	e.GET("/metrics", gin.WrapH(promhttp.Handler()))
	srv := &http.Server{Addr: addr, Handler: e, ReadHeaderTimeout: 5 * time.Second}
	return srv.ListenAndServe()
}

func (t take) repeat() gin.HandlerFunc {
	kind := t.Header.Get("Content-Type")
	var fields [][2]string
	for name, values := range t.Header {
		if name != "Content-Type" && name != "Content-Length" {
			fields = append(fields, [2]string{name, values[0]})
		}
	}
	return func(c *gin.Context) {
		for _, f := range fields {
			c.Header(f[0], f[1])
		}
		c.Data(http.StatusOK, kind, t.Body)
	}
}
