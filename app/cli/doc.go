// Package cli is the program's command line: its commands, what they print and
// how the process ends.
//
// A command gets its words from cobra and writes to the writers it is given; no
// command touches os.Stdout, exits or logs. What serving and working mean is
// not known here: Root takes those two commands from outside.
//
// Exit status: 0 done, 1 failed, 2 wrong usage. An error is printed once, by
// Main, as "app: what happened", with a line that says how to mend it wherever
// one is known.
package cli
