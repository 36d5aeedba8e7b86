//go:build ignore

// Fetch replaces libwebp.wasm.gz by the one of the pinned module version.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	module = "github.com/gen2brain/webp@v0.5.5"
	want   = "bbcf68343d79d80ba4ce7bb29215b2943711bd0787f68ff31785c6e2bb044459"
)

func main() {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		log.Fatal(err)
	}
	var mod struct{ Dir string }
	if err := json.Unmarshal(out, &mod); err != nil {
		log.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(mod.Dir, "lib", "webp.wasm.gz"))
	if err != nil {
		log.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != want {
		log.Fatal(fmt.Errorf("%s has SHA-256 %s, want %s", module, got, want))
	}
	if err := os.WriteFile("libwebp.wasm.gz", data, 0o644); err != nil {
		log.Fatal(err)
	}
}
