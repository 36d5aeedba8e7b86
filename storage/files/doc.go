// Package files keeps pictures in a directory of the local file system, as
// storage/images/{task}/original.{ext} and output/{task}/{variant}/{md5}.{ext}.
//
// A file is written under a hidden name beside its place, synced and linked
// into it, so a reader sees all of it or nothing, whatever crashes when. Once
// there it never changes: the first Commit wins (see place for what a file system
// without hard links can promise). All access goes through an
// os.Root: no name leads out of the directory, not even over a symbolic link
// planted in it.
//
// A new directory of a task's original holds a hidden marker until Keep says
// that the record exists. Only what still carries its marker can ever be swept
// as an orphan; pointing the service at the wrong database costs nobody a
// picture.
//
// Several processes may share a directory. The package does not watch the free
// space: a full disk is an error of the call that meets it, and leaves no
// temporary file. It is held to the suite tasktest.Files.
package files
