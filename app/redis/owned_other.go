//go:build !unix

package redis

import "io/fs"

// ownedByUs: the folder for temporary files is the user's own there.
func ownedByUs(fs.FileInfo) bool { return true }
