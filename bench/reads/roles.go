package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"

	"revela/app"
)

// The roles in which this program is started by itself.
const (
	roleVariable = "BENCH_READS_ROLE"
	roleApp      = "app"  // the whole service; arguments as those of app
	roleBare     = "bare" // a bare gin server; arguments are an address and a script

	profileVariable = "BENCH_READS_PROFILE" // where roleApp writes a CPU profile
)

func play(role string) int {
	if role == roleApp {
		return serveApp(os.Getenv(profileVariable))
	}
	fmt.Fprintln(os.Stderr, serveBare(os.Args[1], os.Args[2]))
	return 1
}

func serveApp(profile string) int {
	if profile == "" {
		return app.Main(os.Args[1:])
	}
	f, err := os.Create(profile)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer f.Close()
	defer pprof.StopCPUProfile()
	return app.Main(os.Args[1:])
}

// self is this program in a role, without the settings of this process.
func self(role string, args ...string) *exec.Cmd {
	cmd := exec.Command(executable, args...)
	cmd.Env = []string{roleVariable + "=" + role, "PATH=" + os.Getenv("PATH")}
	return cmd
}

var executable = func() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}()

// appServer is one process of the service without workers, in the directory
// that it shares with others.
func (s *stage) appServer(profile string) func(port string) *exec.Cmd {
	return func(port string) *exec.Cmd {
		cmd := self(roleApp, "serve", "--workers=0")
		cmd.Dir = s.dir // no config.yaml is there
		cmd.Env = append(cmd.Env, "SERVER_PORT="+port, "DATA_DIR="+filepath.Join(s.dir, "data"),
			"REDIS_URL=redis://"+s.redis, "LOG_FORMAT=json", profileVariable+"="+profile)
		return cmd
	}
}
