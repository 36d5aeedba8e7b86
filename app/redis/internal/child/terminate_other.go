//go:build !unix

package child

import (
	"errors"
	"os"
)

func terminate(*os.Process) error { return errors.ErrUnsupported }
