package mongo

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// clientOptions reads uri and fills in what it leaves open.
func clientOptions(uri string) (*options.ClientOptions, error) {
	if err := checkCredentials(uri); err != nil {
		return nil, err
	}
	opts := options.Client().ApplyURI(uri)
	if opts.Validate() != nil {
		// The error may quote the password, so the same is asked without one.
		if err := options.Client().ApplyURI(withoutCredentials(uri)).Validate(); err != nil {
			return nil, fmt.Errorf("mongo: the URI: %w", err)
		}
		return nil, errCredentials
	}
	wc := writeconcern.WriteConcern{W: writeconcern.WCMajority}
	if given := opts.WriteConcern; given != nil {
		if !given.Acknowledged() {
			return nil, errors.New("mongo: the URI has w=0: changes must be confirmed; use w=majority or leave it out")
		}
		wc.Journal = given.Journal
		if given.W != nil {
			wc.W = given.W
		}
	}
	if wc.Journal == nil {
		journal := true
		wc.Journal = &journal
	}
	opts.SetWriteConcern(&wc)
	if opts.ReadConcern == nil {
		opts.SetReadConcern(readconcern.Majority())
	}
	// The deadline of each operation bounds the wait for a server, too, so that
	// there is one way in which waiting ends.
	opts.SetServerSelectionTimeout(time.Minute)
	opts.SetConnectTimeout(opTimeout)
	if opts.AppName == nil {
		opts.SetAppName("revela")
	}
	return opts, nil
}

// errCredentials stands in for errors that would show a part of the password.
var errCredentials = errors.New("mongo: the URI cannot be read; is each special character in its user name and password percent-encoded?")

// checkCredentials finds a password that ends too early for whoever reads the
// URI: its rest would be taken for a host's name and shown in errors.
func checkCredentials(uri string) error {
	_, rest, _ := strings.Cut(uri, "://")
	rest, _, _ = strings.Cut(rest, "?")
	last := strings.LastIndex(rest, "@")
	if last >= 0 && strings.ContainsAny(rest[:last], "@/") {
		return errCredentials
	}
	return nil
}

// withoutCredentials puts harmless ones in the place of those in uri.
func withoutCredentials(uri string) string {
	scheme, rest, _ := strings.Cut(uri, "://")
	at := strings.LastIndex(rest, "@")
	if at < 0 {
		return uri
	}
	return scheme + "://user:password" + rest[at:]
}
