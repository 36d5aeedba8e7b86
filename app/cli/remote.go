package cli

import (
	"os"

	"github.com/spf13/cobra"

	"revela/app/client"
	"revela/app/config"
)

// serverEnv names the server that the commands speak to.
const serverEnv = "REVELA_SERVER"

// remote is how a command finds its server.
type remote struct {
	server, key string
	load        func() (*config.Config, error)
}

// addRemote adds --server and --api-key to a command and all below it.
func addRemote(c *cobra.Command) *remote {
	r := &remote{}
	fs := c.PersistentFlags()
	fs.StringVar(&r.server, "server", "", "`URL` of the server (default: $"+serverEnv+", else the configured address on this machine)")
	fs.StringVar(&r.key, "api-key", "", "the server's `key` (default: $API_KEY; as a flag others on this machine can see it)")
	r.load = func() (*config.Config, error) {
		cfg, _, err := config.Load(config.Sources{Env: os.Environ()})
		return cfg, err
	}
	return r
}

// client connects as the flags and the environment say. The configuration is
// read only where they leave something open that is this machine's own: its key
// goes to no other server.
func (r *remote) client(c *cobra.Command) (*client.Client, error) {
	server, key := r.server, r.key
	if server == "" {
		server = os.Getenv(serverEnv)
	}
	if key == "" {
		key = os.Getenv("API_KEY")
	}
	if server == "" {
		cfg, err := r.load()
		if err != nil {
			return nil, err
		}
		urls, err := localURLs(cfg.Server)
		if err != nil {
			return nil, Hint(err, "name the server with --server or %s", serverEnv)
		}
		server = urls[0]
		if key == "" {
			key = cfg.Server.APIKey
		}
	}
	cl, err := client.New(server, key)
	if err != nil {
		return nil, WrongUsage(c, err)
	}
	return cl, nil
}
