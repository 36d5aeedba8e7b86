package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"revela/app/config"
)

// hinter is an error that knows how it can be mended.
type hinter interface{ Hint() string }

// hintedError adds a hint to an error.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Unwrap() error { return e.error }
func (e *hintedError) Hint() string  { return e.hint }

// Hint returns err with a line that says how to mend it; Main prints it.
func Hint(err error, format string, args ...any) error {
	return &hintedError{err, fmt.Sprintf(format, args...)}
}

func hintOf(err error) string {
	var h hinter
	if errors.As(err, &h) {
		return h.Hint()
	}
	var bad *config.Error
	if errors.As(err, &bad) {
		return `config.yaml documents every setting; "app config check" tries again`
	}
	return ""
}

// misuseError is a command line that cannot be understood.
type misuseError struct{ error }

func (e *misuseError) Unwrap() error { return e.error }

// WrongUsage says that a command was called wrongly: the process ends with status 2.
func WrongUsage(c *cobra.Command, err error) error {
	return &misuseError{Hint(err, "%s --help shows how it is used", c.CommandPath())}
}

func isMisuse(err error) bool {
	var m *misuseError
	var bad *config.Error
	return errors.As(err, &m) || errors.As(err, &bad) && bad.Usage()
}

// toldError fails a command that has already told why.
type toldError struct{ error }

func (e *toldError) Unwrap() error { return e.error }

// told counts failures that were printed one by one; nil for none.
func told(failed, of int, what string) error {
	if failed == 0 {
		return nil
	}
	return &toldError{fmt.Errorf("%d of %d %s failed", failed, of, what)}
}
