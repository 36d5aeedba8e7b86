// Package config turns config.yaml, the environment and flags into one checked
// Config.
//
// A setting has a key ("queue.max_retries"), and its variable and its flag
// follow from the key by one rule: QUEUE_MAX_RETRIES, --queue-max-retries.
// Flags beat the environment, which beats config.yaml, which beats the default.
// The table in table.go is the only list of settings; the file, the
// environment, the flags and Show are all driven by it.
//
// Nothing is forgiven: Load returns either a Config that keeps every rule or an
// *Error that lists every mistake at once, each with its place, its value (a
// secret's never) and what was expected. The package reads files and the
// values it is handed; it opens no connection, writes nothing and never logs.
//
// Everything that Load reads is in Sources, so tests need no process-wide
// state and run in parallel.
package config
