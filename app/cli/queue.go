package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"revela/app/client"
	"revela/queue"
	"revela/task"
)

// What the server does at once: list so many jobs, and remove so many.
const (
	maxJobs    = 50
	maxCleaned = 1000
)

func queueCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "queue",
		Short: "Look into the queue and steer it",
		Long:  `A job has the id of its task. Its state is waiting, active, completed, failed, delayed or paused.`,
	}
	r := addRemote(c)
	c.AddCommand(queueStatsCommand(r), queueJobsCommand(r),
		onQueue(r, "pause", "Hand out no more jobs; those in work go on", "the queue is paused", (*client.Client).Pause),
		onQueue(r, "resume", "Hand out jobs again", "the queue goes on", (*client.Client).Resume),
		queueRetryCommand(r),
		onJobs(r, "promote ID...", "Make delayed jobs due at once", "is due",
			func(ctx context.Context, cl *client.Client, id string) error { return cl.Promote(ctx, id) }),
		onJobs(r, "remove ID...", "Take jobs out of the queue, unless they are in work", "is removed",
			func(ctx context.Context, cl *client.Client, id string) error { return cl.RemoveJob(ctx, id) }),
		queueCleanCommand(r),
	)
	return c
}

func queueStatsCommand(r *remote) *cobra.Command {
	c := &cobra.Command{Use: "stats", Short: "Count the jobs of each state", Args: none}
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cl, err := r.client(c)
		if err != nil {
			return err
		}
		defer cl.Close()
		s, err := cl.QueueStats(c.Context())
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(c.OutOrStdout()).Encode(s)
		}
		var rows [][]string
		for _, n := range []struct {
			state string
			count int64
		}{
			{"waiting", s.Waiting}, {"active", s.Active}, {"completed", s.Completed}, {"failed", s.Failed},
			{"delayed", s.Delayed}, {"paused", s.Paused},
			{"completed in all", s.CompletedTotal}, {"failed in all", s.FailedTotal},
		} {
			rows = append(rows, []string{n.state, strconv.FormatInt(n.count, 10)})
		}
		return table(c.OutOrStdout(), []string{"STATE", "JOBS"}, rows)
	}
	return c
}

func queueJobsCommand(r *remote) *cobra.Command {
	c := &cobra.Command{
		Use:   "jobs STATE",
		Short: "List jobs of a state",
		Long:  `LOST is how many workers a job has lost, which crashed or stalled while they had it.`,
		Example: `  app queue jobs delayed
  app queue jobs failed --details`,
		Args: one("a state"),
	}
	start := c.Flags().Int("start", 0, "place of the first, from 0")
	limit := c.Flags().Int("limit", 50, "how many, 1 to 50")
	asJSON := c.Flags().Bool("json", false, "print each job as one JSON object a line")
	full := c.Flags().Bool("details", false, "print all about each job: its times, and every failed attempt with its stack")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *limit < 1 || *limit > maxJobs || *start < 0 {
			return WrongUsage(c, fmt.Errorf("--start is %d and --limit %d, expected 0 or more and 1 to %d", *start, *limit, maxJobs))
		}
		if _, err := queue.ParseState(args[0]); err != nil {
			return WrongUsage(c, err)
		}
		cl, err := r.client(c)
		if err != nil {
			return err
		}
		defer cl.Close()
		jobs, err := cl.Jobs(c.Context(), args[0], *start, *start+*limit-1)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, j := range jobs {
			if *asJSON {
				if err := printJSON(c.OutOrStdout(), j.Raw); err != nil {
					return err
				}
				continue
			}
			if *full {
				if err := jobDetails(c.OutOrStdout(), j); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{plain(j.ID, 64), j.State, strconv.Itoa(j.AttemptsMade), strconv.Itoa(j.Stalls),
				since(j.Timestamp), plain(cmp.Or(j.FailedReason, j.Broken), 60)})
		}
		if *asJSON || *full {
			return nil
		}
		return table(c.OutOrStdout(), []string{"JOB", "STATE", "ATTEMPTS", "LOST", "ADDED", "REASON"}, rows)
	}
	return c
}

func queueRetryCommand(r *remote) *cobra.Command {
	c := &cobra.Command{
		Use:   "retry [ID...]",
		Short: "Give failed jobs new attempts: those named, or all",
		Example: `  app queue retry
  app queue retry 665f1c2ab3d4e5f601020304`,
	}
	byID := onJobs(r, "retry", "", "waits again",
		func(ctx context.Context, cl *client.Client, id string) error { return cl.RetryJob(ctx, id) })
	c.Flags().AddFlagSet(byID.Flags())
	c.RunE = func(c *cobra.Command, ids []string) error {
		if len(ids) > 0 {
			return byID.RunE(c, ids)
		}
		cl, err := r.client(c)
		if err != nil {
			return err
		}
		defer cl.Close()
		var sum client.Retried
		for !sum.Complete {
			got, err := cl.RetryFailed(c.Context())
			if err != nil {
				return err
			}
			sum = client.Retried{Retried: sum.Retried + got.Retried, Skipped: got.Skipped, Complete: got.Complete || got.Retried == 0}
		}
		if asJSON, _ := c.Flags().GetBool("json"); asJSON {
			return json.NewEncoder(c.OutOrStdout()).Encode(sum)
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%d jobs wait again, %d stay as they are\n", sum.Retried, sum.Skipped)
		return err
	}
	return c
}

func queueCleanCommand(r *remote) *cobra.Command {
	c := &cobra.Command{
		Use:   "clean STATE",
		Short: "Remove jobs of a state, the oldest first",
		Example: `  app queue clean failed --older-than 24h
  app queue clean completed --limit 100`,
		Args: one("a state"),
	}
	what := client.Cleaning{}
	c.Flags().DurationVar(&what.OlderThan, "older-than", 0, "only those that ended, or were added, this long ago")
	c.Flags().IntVar(&what.Limit, "limit", 1000, "how many at most, 1 to 1000")
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, args []string) error {
		if what.OlderThan < 0 || what.Limit < 1 || what.Limit > maxCleaned {
			return WrongUsage(c, fmt.Errorf("--older-than is %v and --limit %d, expected 0 or more and 1 to %d", what.OlderThan, what.Limit, maxCleaned))
		}
		state, err := queue.ParseState(args[0])
		if err == nil && state == queue.Active {
			err = errors.New("active jobs end by themselves; app task cancel stops them")
		}
		if err != nil {
			return WrongUsage(c, err)
		}
		cl, err := r.client(c)
		if err != nil {
			return err
		}
		defer cl.Close()
		what.State = args[0]
		ids, err := cl.Clean(c.Context(), what)
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{"removed": len(ids), "ids": ids})
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%d jobs removed\n", len(ids))
		return err
	}
	return c
}

// onJobs is onTasks for jobs, whose ids are their tasks': a word that can be none is a
// mistake in the command line.
func onJobs(r *remote, use, short, done string, do func(context.Context, *client.Client, string) error) *cobra.Command {
	c := onTasks(r, use, short, done, do)
	run := c.RunE
	c.RunE = func(c *cobra.Command, ids []string) error {
		for _, id := range ids {
			if _, err := task.ParseID(id); err != nil {
				return WrongUsage(c, fmt.Errorf("%q is not the ID of a job: 24 hexadecimal digits in lower case are expected", id))
			}
		}
		return run(c, ids)
	}
	return c
}

// onQueue makes a command that does one thing to the queue.
func onQueue(r *remote, use, short, done string, do func(*client.Client, context.Context) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: none}
	c.RunE = func(c *cobra.Command, _ []string) error {
		cl, err := r.client(c)
		if err != nil {
			return err
		}
		defer cl.Close()
		if err := do(cl, c.Context()); err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), done)
		return err
	}
	return c
}
