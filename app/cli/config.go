package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"revela/app/config"
)

// Configured adds --config and the flags of the settings to a command; those
// whose keys are named in shown appear in its help. The function it returns
// loads the configuration when the command runs, and prints warnings.
func Configured(c *cobra.Command, shown ...string) func() (*config.Config, error) {
	flags := config.AddFlags(c.Flags(), shown...)
	return func() (*config.Config, error) {
		cfg, warnings, err := config.Load(config.Sources{Env: os.Environ(), Flags: flags})
		for _, w := range warnings {
			fmt.Fprintf(c.ErrOrStderr(), "app: warning: %s\n", w)
		}
		return cfg, err
	}
}

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Show or check the configuration",
		Long: `The configuration is config.yaml, then the environment, then flags; later wins.
Every setting is documented in config.yaml. Each can also be given as a variable
(queue.lease is QUEUE_LEASE) and, unless it is secret, as a flag (--queue-lease).`,
	}
	c.AddCommand(configShowCommand(), configCheckCommand())
	return c
}

func configShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show",
		Short: "Show what is in effect and where it comes from, secrets hidden",
		Example: `  app config show
  QUEUE_LEASE=20s app config show --config /etc/revela/config.yaml`,
		Args: none,
	}
	load := Configured(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		return cfg.Show(c.OutOrStdout())
	}
	return c
}

func configCheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "check",
		Short:   "List every mistake at once",
		Example: `  app config check`,
		Args:    none,
	}
	load := Configured(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if _, err := load(); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), "The configuration is good.")
		return err
	}
	return c
}
