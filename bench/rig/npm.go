package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// NPM installs the packages that the lock file in dir names, unless they are
// there. The error says in a line why a peer that needs them is left out.
func NPM(ctx context.Context, dir string) error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not on the PATH", program)
		}
	}
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return err
	}
	// npm writes this file last, so it is there only after a whole installation.
	if done, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err == nil && !done.ModTime().Before(lock.ModTime()) {
		return nil
	}
	quiet := []string{"--no-audit", "--no-fund", "--loglevel=error"}
	err = Command(ctx, dir, "npm", append([]string{"ci"}, quiet...)...)
	if err == nil {
		return nil
	}
	// Some versions of npm miss packages for other systems in the lock file of
	// another; package.json still says which version the peer has.
	if Command(ctx, dir, "npm", append([]string{"install", "--no-package-lock"}, quiet...)...) == nil {
		return nil
	}
	return err
}

// Command runs a program in dir. Its error holds the last line of what the
// program said.
func Command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	text := strings.TrimSpace(string(out))
	if text == "" {
		return fmt.Errorf("%s %s: %w", name, args[0], err)
	}
	return errors.New(name + " " + args[0] + ": " + text[strings.LastIndexByte(text, '\n')+1:])
}
