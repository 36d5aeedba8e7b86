package redis

import (
	"strings"
	"testing"
	"time"

	"revela/app/redis/redistest"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	url, trust := redistest.TLS(t)
	cfg := Config{URL: url}
	err := openFails(t, cfg, 5*time.Second)
	if !strings.Contains(err.Error(), "SSL_CERT_FILE") {
		t.Errorf("an unknown authority: %v", err)
	}
	cfg.TLS = trust
	c, _ := open(t, cfg)
	set(t, c, "k", "v")
	if !c.Tracking() {
		t.Error("no client-side caching over TLS")
	}
}
