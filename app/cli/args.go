package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// none is for commands that take no arguments.
func none(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("expected no arguments, got %q", args[0])
	}
	return nil
}

// one is for commands that take one argument.
func one(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return fmt.Errorf("expected %s", what)
		case len(args) > 1:
			return fmt.Errorf("expected %s, got also %q", what, args[1])
		}
		return nil
	}
}

// some is for commands that take any number of arguments but none.
func some(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("expected %s", what)
		}
		return nil
	}
}
