package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Exit statuses of the program.
const (
	Done   = 0
	Failed = 1
	Misuse = 2
)

// Root assembles the program from the two commands that run it and those of
// this package.
func Root(serve, worker *cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:   "app",
		Short: "Turn uploaded pictures into their variants",
		Long: `Revela takes pictures over HTTP, queues them in Redis and turns them into
their variants: an API, a reliable queue and its workers in one program.

With nothing configured it keeps everything below ./data and needs no server.`,
		Example: `  app serve                       serve on http://127.0.0.1:3000
  app submit --wait photo.jpg     upload a picture and wait for its variants
  app config check                find every mistake in the configuration`,
	}
	const run, use, operate = "run", "use", "operate"
	root.AddGroup(
		&cobra.Group{ID: run, Title: "Run it:"},
		&cobra.Group{ID: use, Title: "Use a running server:"},
		&cobra.Group{ID: operate, Title: "Look after it:"},
	)
	for _, g := range []struct {
		id       string
		commands []*cobra.Command
	}{
		{run, []*cobra.Command{serve, worker}},
		{use, []*cobra.Command{submitCommand(), taskCommand(), queueCommand()}},
		{operate, []*cobra.Command{configCommand(), healthCommand(), versionCommand()}},
	} {
		for _, c := range g.commands {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	root.SetHelpCommandGroupID(operate)
	root.SetCompletionCommandGroupID(operate)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return WrongUsage(c, err) })
	root.SetUsageTemplate(usageTemplate)
	finish(root)
	return root
}

// finish makes every command of the tree answer wrong usage in one way.
func finish(c *cobra.Command) {
	if !c.Runnable() && c.HasSubCommands() {
		group(c)
	}
	if accept := c.Args; accept != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := accept(c, args); err != nil {
				return WrongUsage(c, err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		finish(sub)
	}
}

// group makes a command that only has others below it: help by itself, and an
// error for a word that is none of them.
func group(c *cobra.Command) {
	c.Args = cobra.ArbitraryArgs
	c.SuggestionsMinimumDistance = 2
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		err := fmt.Errorf("there is no command %q", c.CommandPath()+" "+args[0])
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			err = fmt.Errorf("%w (did you mean %q?)", err, near[0])
		}
		return WrongUsage(c, err)
	}
}

// Main runs root with args (without the program's name) until it is done or ctx
// ends, and returns the exit status. It prints the error.
func Main(ctx context.Context, root *cobra.Command, args []string, in io.Reader, out, errOut io.Writer) int {
	if args == nil {
		args = []string{} // cobra would take the process's
	}
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return Done
	}
	var told *toldError
	if !errors.As(err, &told) {
		fmt.Fprintf(errOut, "app: %v\n", err)
		if hint := hintOf(err); hint != "" {
			fmt.Fprintf(errOut, "hint: %s\n", strings.ReplaceAll(hint, "\n", "\n      "))
		}
	}
	if isMisuse(err) {
		return Misuse
	}
	return Failed
}

// usageTemplate is cobra's, without the line for running a group by itself.
const usageTemplate = `Usage:{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND{{else}}
  {{.UseLine}}{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{if eq (len .Groups) 0}}

Commands:{{range $cmds}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{else}}{{range $group := .Groups}}

{{.Title}}{{range $cmds}}{{if (and (eq .GroupID $group.ID) .IsAvailableCommand)}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Flags of all of these:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

"{{.CommandPath}} COMMAND --help" tells more of a command.{{end}}
`
