package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"revela/app/client"
)

func taskCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "task",
		Short: "List, watch and change tasks",
	}
	r := addRemote(c)
	c.AddCommand(taskListCommand(r), taskGetCommand(r), taskWatchCommand(r),
		onTasks(r, "retry ID...", "Give failed tasks new attempts", "waits again",
			func(ctx context.Context, cl *client.Client, id string) error {
				_, err := cl.Retry(ctx, id)
				return err
			}),
		onTasks(r, "cancel ID...", "Stop unfinished tasks, on whichever process they run", "is cancelled",
			func(ctx context.Context, cl *client.Client, id string) error {
				_, err := cl.Cancel(ctx, id)
				return err
			}),
		onTasks(r, "delete ID...", "Delete tasks with their files and jobs", "is deleted",
			func(ctx context.Context, cl *client.Client, id string) error { return cl.Delete(ctx, id) }),
	)
	return c
}

func taskListCommand(r *remote) *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List tasks, newest first",
		Example: `  app task list --status failed,cancelled
  app task list --search holiday --created-after 2026-11-24T00:00:00Z
  app task list --all --json | jq -r .taskId`,
		Args: none,
	}
	var l client.Listing
	c.Flags().StringVar(&l.Status, "status", "", "only this `status`: pending, processing, completed, failed or cancelled; several with commas")
	c.Flags().StringVar(&l.CreatedAfter, "created-after", "", "only tasks made at this `time` or later: 2026-11-24T09:30:00Z, or ms since 1970")
	c.Flags().StringVar(&l.CreatedBefore, "created-before", "", "only tasks made before this `time`")
	c.Flags().StringVar(&l.Search, "search", "", "only tasks with this `text` in their source, in capitals or not; looks at 10,000 tasks a page")
	c.Flags().IntVar(&l.Limit, "limit", 10, "tasks on a page, 1 to 100")
	c.Flags().IntVar(&l.Page, "page", 1, "which page, from 1")
	all := c.Flags().Bool("all", false, "every page")
	asJSON := c.Flags().Bool("json", false, "print each task as one JSON object a line")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *all && c.Flags().Changed("page") {
			return WrongUsage(c, errors.New("--all and --page exclude each other"))
		}
		if l.Limit < 1 || l.Limit > 100 {
			return WrongUsage(c, fmt.Errorf("--limit is %d, expected 1 to 100; --all is for every task", l.Limit))
		}
		if l.Page < 1 {
			return WrongUsage(c, fmt.Errorf("--page is %d, expected 1 or more", l.Page))
		}
		cl, err := r.client(c)
		if err != nil {
			return err
		}
		defer cl.Close()
		if *all {
			l.Page, l.Limit = 0, 100
		}
		var rows [][]string
		for {
			page, err := cl.Tasks(c.Context(), l)
			if err != nil {
				return err
			}
			for _, t := range page.Tasks {
				if *asJSON {
					if err := printJSON(c.OutOrStdout(), t.Raw); err != nil {
						return err
					}
					continue
				}
				rows = append(rows, []string{t.ID, t.Status, fmt.Sprint(t.Attempts), age(t.CreatedAt), plain(t.Source, 60)})
			}
			l.Cursor = page.Pagination.NextCursor
			if *all && l.Cursor != "" {
				continue
			}
			if *asJSON {
				return nil
			}
			if err := table(c.OutOrStdout(), []string{"TASK", "STATUS", "ATTEMPTS", "CREATED", "SOURCE"}, rows); err != nil {
				return err
			}
			if !*all {
				_, err = fmt.Fprintln(c.ErrOrStderr(), place(page))
			}
			return err
		}
	}
	return c
}

// place says where a page stands among the others.
func place(p client.Page) string {
	n := p.Pagination
	if n.TotalIsExact {
		return fmt.Sprintf("page %d of %d, %d tasks", n.Page, n.TotalPages, n.Total)
	}
	return fmt.Sprintf("page %d, %d tasks or more; --all looks at every one", n.Page, n.Total)
}

func taskGetCommand(r *remote) *cobra.Command {
	c := &cobra.Command{
		Use:     "get ID",
		Short:   "Show one task",
		Example: `  app task get 665f1c2ab3d4e5f601020304`,
		Args:    one("the ID of a task"),
	}
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, args []string) error {
		cl, err := r.client(c)
		if err != nil {
			return err
		}
		defer cl.Close()
		t, err := cl.Task(c.Context(), args[0])
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.OutOrStdout(), t.Raw)
		}
		return details(c.OutOrStdout(), t)
	}
	return c
}

func taskWatchCommand(r *remote) *cobra.Command {
	c := &cobra.Command{
		Use:     "watch ID",
		Short:   "Follow a task until it is finished",
		Long:    `Prints what happens to a task, then the task. The status is 1 if it did not complete.`,
		Example: `  app task watch 665f1c2ab3d4e5f601020304`,
		Args:    one("the ID of a task"),
	}
	asJSON := c.Flags().Bool("json", false, "print each event, then the task, as one JSON object a line")
	c.RunE = func(c *cobra.Command, args []string) error {
		cl, err := r.client(c)
		if err != nil {
			return err
		}
		defer cl.Close()
		out := c.OutOrStdout()
		t, err := cl.Watch(c.Context(), args[0], func(e client.Event) {
			if *asJSON {
				_ = printJSON(out, e.Raw) // the task, printed last, tells of a broken pipe
				return
			}
			fmt.Fprintln(out, eventLine(e))
		})
		if err != nil {
			return err
		}
		if *asJSON {
			err = printJSON(out, t.Raw)
		} else {
			err = details(out, t)
		}
		if err != nil {
			return err
		}
		if err := outcomeOf(t); err != nil {
			return fmt.Errorf("task %s: %w", t.ID, err)
		}
		return nil
	}
	return c
}

// eventLine is an event for people.
func eventLine(e client.Event) string {
	s := time.UnixMilli(e.Timestamp).Format(time.TimeOnly) + "  " + plain(e.Type, 40)
	if e.Type == "task.progress" {
		s += fmt.Sprintf("  %d%%", e.Progress)
	}
	if e.Attempts > 0 {
		s += fmt.Sprintf("  attempt %d", e.Attempts)
	}
	if e.Error != "" {
		s += "  " + plain(e.Error, 200)
	}
	return s
}

// onTasks makes a command that does one thing to each of some ids, whatever
// becomes of the others.
func onTasks(r *remote, use, short, done string, do func(context.Context, *client.Client, string) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: some("one ID or more")}
	asJSON := c.Flags().Bool("json", false, "print one JSON object for each")
	c.RunE = func(c *cobra.Command, ids []string) error {
		cl, err := r.client(c)
		if err != nil {
			return err
		}
		defer cl.Close()
		failed := 0
		for _, id := range ids {
			if err := do(c.Context(), cl, id); err != nil {
				if len(ids) == 1 || c.Context().Err() != nil {
					return err
				}
				failed++
				fmt.Fprintf(c.ErrOrStderr(), "app: %s: %v\n", plain(id, 80), err)
				continue
			}
			if *asJSON {
				err = json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{"id": id, "done": true})
			} else {
				_, err = fmt.Fprintln(c.OutOrStdout(), id, done)
			}
			if err != nil {
				return err
			}
		}
		return told(failed, len(ids), "requests")
	}
	return c
}
