package app

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"revela/app/cli"
	"revela/app/config"
)

func serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve HTTP and work on pictures",
		Long: `Serves the API, the dashboard and the workers in one process.

With nothing configured it listens on http://127.0.0.1:3000, keeps tasks and
files below ./data, and runs a redis-server of its own if one is installed.`,
		Example: `  app serve
  app serve --workers=8
  app serve --workers=0        an API replica that works on nothing
  API_KEY=… SERVER_HOST=0.0.0.0 app serve`,
		Args: cobra.NoArgs,
	}
	load := cli.Configured(c, "server.host", "server.port", "queue.concurrency", "data.dir", "log.level")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		listen := net.JoinHostPort(cfg.Server.Host, strconv.Itoa(cfg.Server.Port))
		return run(c.Context(), cfg, Role{API: true, Listen: listen, Workers: cfg.Queue.Workers()})
	}
	return c
}

func workerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "worker",
		Short: "Work on pictures only",
		Long: `Works on what others serve: it shares their Redis, their store of tasks and
their files.`,
		Example: `  app worker --workers=8
  app worker --http 127.0.0.1:9090    answers health and metrics there`,
		Args: cobra.NoArgs,
	}
	load := cli.Configured(c, "queue.concurrency", "data.dir", "log.level")
	listen := c.Flags().String("http", "", "answer health and metrics at this `host:port`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		if cfg.Queue.Workers() == 0 {
			return cli.WrongUsage(c, errors.New("a worker without workers has nothing to do: give --workers a number above 0"))
		}
		return run(c.Context(), cfg, Role{Listen: *listen, Workers: cfg.Queue.Workers()})
	}
	return c
}

func run(ctx context.Context, cfg *config.Config, role Role) (err error) {
	log := newLogger(cfg.Log)
	defer func() { _ = log.Sync() }() // stderr cannot always be synced
	a, err := New(ctx, cfg, role, log)
	if err != nil {
		return err
	}
	defer func() {
		if closed := a.Close(); err == nil {
			err = closed
		}
	}()
	return a.Run(ctx)
}

// newLogger writes to stderr. The level and format were checked with the
// configuration.
func newLogger(c config.Log) *zap.Logger {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		level = zapcore.InfoLevel
	}
	console := c.Format == "console" || c.Format == "auto" && term.IsTerminal(int(os.Stderr.Fd()))
	var encoder zapcore.Encoder
	if console {
		e := zap.NewDevelopmentEncoderConfig()
		e.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		e.EncodeLevel = zapcore.CapitalColorLevelEncoder
		encoder = zapcore.NewConsoleEncoder(e)
	} else {
		e := zap.NewProductionEncoderConfig()
		e.EncodeTime = zapcore.RFC3339NanoTimeEncoder
		encoder = zapcore.NewJSONEncoder(e)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(os.Stderr), level), zap.AddStacktrace(zapcore.DPanicLevel))
}
