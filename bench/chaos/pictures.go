package main

import (
	"bytes"
	"fmt"
	"strings"

	"revela/imaging/imagetest"
)

// album makes the pictures of a storm. Most take milliseconds, so that ten
// thousand fit into a minute; every 25th takes ten times as long, so that kills meet
// work under way; every 50th passes the look at its structure that an upload
// gets and turns out broken when it is decoded, so that it fails for good.
type album struct{ small, large, broken []byte }

func newAlbum() (album, error) {
	a := album{
		small:  imagetest.JPEG(imagetest.Photo(96, 64)),
		large:  imagetest.JPEG(imagetest.Photo(1000, 750)),
		broken: imagetest.PNG(imagetest.Photo(96, 64)),
	}
	at := bytes.Index(a.broken, []byte("IDAT"))
	if at < 0 {
		return a, fmt.Errorf("the picture to be broken has no data")
	}
	for i := range 64 {
		a.broken[at+200+i] ^= 0x55
	}
	return a, nil
}

// picture is the n-th upload. Its name tells what must become of it, also where
// only the record is left to say.
func (a album) picture(n int) (name string, data []byte) {
	switch {
	case n%50 == 7:
		return fmt.Sprintf("%s%d.png", brokenName, n), a.broken
	case n%25 == 3:
		return fmt.Sprintf("large-%d.jpg", n), a.large
	}
	return fmt.Sprintf("small-%d.jpg", n), a.small
}

const brokenName = "broken-"

func isBroken(name string) bool { return strings.HasPrefix(name, brokenName) }
