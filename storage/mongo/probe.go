package mongo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

const (
	// probeRacers change one document at the same moment.
	probeRacers = 8
	// probeRounds is how often they do. A server that finds and updates in two
	// steps gives itself away in nearly every round.
	probeRounds = 12
	// probeTime is after how long no further round begins: a server that is far
	// away is asked less often.
	probeTime = time.Second
)

// probed is the document that the racers change.
type probed struct {
	ID      bson.ObjectID `bson:"_id"`
	Version int64         `bson:"version"`
}

// probe proves that of several changes from one version exactly one succeeds,
// with the very command that Update uses. It works in a collection of its own,
// which it removes; a process that is killed meanwhile leaves an empty one.
func (s *Store) probe(ctx context.Context) error {
	// What is asked about happens in one server, so nobody waits for others.
	scratch := s.tasks.Database().Collection("probe_"+bson.NewObjectID().Hex(),
		options.Collection().SetWriteConcern(writeconcern.W1()))
	// On failure too, and then nothing more can be done about it.
	defer func() {
		_ = s.do(context.WithoutCancel(ctx), func(ctx context.Context) error { return scratch.Drop(ctx) })
	}()
	err := s.do(ctx, func(ctx context.Context) error { return probeIn(ctx, scratch) })
	if err != nil {
		return fmt.Errorf("probe the server: %w", err)
	}
	return nil
}

func probeIn(ctx context.Context, scratch *driver.Collection) error {
	id := bson.NewObjectID()
	if _, err := scratch.InsertOne(ctx, probed{ID: id}); err != nil {
		return err
	}
	start := time.Now()
	for version := range int64(probeRounds) {
		if time.Since(start) > probeTime {
			break
		}
		won, err := probeRound(ctx, scratch, id, version)
		if err != nil {
			return err
		}
		if won != 1 {
			return fmt.Errorf("%w: of %d simultaneous updates of one version of a document %d succeeded, where exactly one may. "+
				"Such a server loses tasks without a sound. Use MongoDB itself, or leave the MongoDB URI out for the embedded store",
				ErrNotAtomic, probeRacers, won)
		}
	}
	return nil
}

// probeRound lets the racers go from version to the next and counts who could.
func probeRound(ctx context.Context, scratch *driver.Collection, id bson.ObjectID, version int64) (won int64, err error) {
	results, errs := make([]*driver.UpdateResult, probeRacers), make([]error, probeRacers)
	start := make(chan struct{})
	var racing sync.WaitGroup
	for i := range probeRacers {
		racing.Go(func() {
			<-start
			results[i], errs[i] = scratch.ReplaceOne(ctx, atVersion(id, version), probed{ID: id, Version: version + 1})
		})
	}
	close(start)
	racing.Wait()
	for i, result := range results {
		if errs[i] != nil {
			return 0, errs[i]
		}
		won += result.MatchedCount
	}
	return won, nil
}
