package sqlite_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(workerFile); path != "" {
		worker(path, os.Getenv(workerDoes))
		return
	}
	goleak.VerifyTestMain(m)
}
