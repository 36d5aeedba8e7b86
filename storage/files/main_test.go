package files_test

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"revela/storage/files"
)

// helper is the variable that makes the test program a child with a role.
const helper = "REVELA_FILES_HELPER"

func TestMain(m *testing.M) {
	switch dir := os.Getenv("REVELA_FILES_DIR"); os.Getenv(helper) {
	case "stage":
		stageAndWait(dir)
	case "full":
		writeOnFullDisk(dir)
	default:
		goleak.VerifyTestMain(m)
	}
}

// stageAndWait stages an original and a variant and waits to be killed.
func stageAndWait(dir string) {
	s, err := files.Open(dir)
	exitOn(err)
	for _, dir := range []string{"storage/images/" + crashed, "output/" + crashed + "/800"} {
		st, err := s.Stage(ctx, dir)
		exitOn(err)
		_, err = st.Write(make([]byte, 1<<20))
		exitOn(err)
	}
	fmt.Println("staged")
	select {}
}

// writeOnFullDisk writes more than this process may: the call fails in its
// middle, as it does on a full disk, wherever the tests run.
func writeOnFullDisk(dir string) {
	s, err := files.Open(dir)
	exitOn(err)
	signal.Ignore(syscall.SIGXFSZ)
	var usual syscall.Rlimit
	exitOn(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &usual))
	allow := func(size uint64) {
		exitOn(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: usual.Max}))
	}
	allow(64 << 10)
	st, err := s.Stage(ctx, "storage/images/"+crashed)
	exitOn(err)
	n, err := st.Write(make([]byte, 1<<20))
	fmt.Printf("wrote %d: %v\n", n, err)
	exitOn(st.Discard())

	allow(0)
	fmt.Printf("ping: %v\n", s.Ping(ctx))
	allow(usual.Cur) // a coverage report may follow
	exitOn(s.Close())
}

func exitOn(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
