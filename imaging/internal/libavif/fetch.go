//go:build ignore

// Fetch replaces libavif.wasm.gz by the one of the pinned module version.
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
	module = "github.com/gen2brain/avif@v0.6.0"
	want   = "92ffd604d276359c2df829effc615cd9f286c36ece5761644929e4396eb97360"
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
	data, err := os.ReadFile(filepath.Join(mod.Dir, "lib", "avif.wasm.gz"))
	if err != nil {
		log.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != want {
		log.Fatal(fmt.Errorf("%s has SHA-256 %s, want %s", module, got, want))
	}
	if err := os.WriteFile("libavif.wasm.gz", data, 0o644); err != nil {
		log.Fatal(err)
	}
}
