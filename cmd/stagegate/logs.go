package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/local/show"
)

func logsCommand() *cobra.Command {
	var (
		r       remote
		follow  bool
		attempt int
	)
	cmd := &cobra.Command{
		Use:   "logs EXECUTION [STAGE[/ACTION]]",
		Short: "Show the logs of an execution",
		Long: `Show the log of an action, or of all actions of a stage or of the execution, one
after the other. With --json each line is an object.`,
		Example: `  stagegate logs release/41
  stagegate logs release/41 test/unit --follow`,
		Args:              named(1),
		ValidArgsFunction: r.complete(logged),
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on until the actions have ended")
	cmd.Flags().IntVar(&attempt, "attempt", 0, "of the action's attempt `N` (default the newest)")
	completeFlag(cmd, "attempt", either())
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		x, err := r.execution(cmd, args[0])
		if err != nil {
			return err
		}
		chosen, err := chooseLogs(x, args[1:])
		if err != nil {
			return err
		}
		for _, name := range chosen {
			stage, action, _ := strings.Cut(name, "/")
			q := api.LogQuery{Execution: x.ID, Stage: stage, Action: action, Attempt: attempt}
			if follow {
				q.Wait = 30
			}
			if err := r.log(cmd, q, len(chosen) > 1); err != nil {
				return err
			}
		}
		return nil
	})
}

// logged lists the actions that have logs.
func logged(x api.Execution) []string {
	var names []string
	for _, st := range x.Stages {
		for _, a := range st.Actions {
			if a.Approval == nil {
				names = append(names, st.Name+"/"+a.Name)
			}
		}
	}
	return names
}

// chooseLogs picks the actions that a name means: one, those of a stage, or all
// where there is no name.
func chooseLogs(x api.Execution, name []string) ([]string, error) {
	all := logged(x)
	if len(name) == 0 {
		return all, nil
	}
	var chosen []string
	for _, n := range all {
		stage, _, _ := strings.Cut(n, "/")
		if strings.EqualFold(name[0], n) || strings.EqualFold(name[0], stage) {
			chosen = append(chosen, n)
		}
	}
	if len(chosen) == 0 {
		return nil, &api.Refusal{
			Code: api.NotFound, Message: fmt.Sprintf("no action with a log is called %q; there is %s", name[0], strings.Join(all, ", ")), Alternatives: all,
		}
	}
	return chosen, nil
}

// log writes one log, and goes on while it grows if the query waits.
func (r *remote) log(cmd *cobra.Command, q api.LogQuery, titled bool) error {
	out := &logLines{w: cmd.OutOrStdout(), query: q, json: r.json, terminal: term.IsTerminal(int(os.Stdout.Fd()))}
	if titled && !r.json {
		fmt.Fprintf(out.w, "==> %s\n", show.Clean(q.Stage+"/"+q.Action))
	}
	for {
		text, ended, err := r.Log(cmd.Context(), q)
		if err != nil {
			return err
		}
		n, err := io.Copy(out, text)
		_ = text.Close() // it was read to its end, or is given up
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		q.Offset += n
		if ended || q.Wait == 0 {
			return out.flush()
		}
	}
}

// logLines shows the lines of a log, TIME STREAM TEXT, as they come.
type logLines struct {
	w        io.Writer
	query    api.LogQuery
	json     bool
	terminal bool
	rest     []byte // of a line whose end has not come yet
}

func (l *logLines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte{'\n'})
		if !ok {
			return len(p), nil
		}
		if err := l.line(string(line)); err != nil {
			return 0, err
		}
		l.rest = rest
	}
}

func (l *logLines) flush() error {
	if len(l.rest) == 0 {
		return nil
	}
	return l.line(string(l.rest))
}

func (l *logLines) line(line string) error {
	parts := strings.SplitN(line, " ", 3)
	if len(parts) < 3 {
		parts = append(parts, "", "")[:3]
	}
	text := parts[2]
	if l.json {
		return json.NewEncoder(l.w).Encode(map[string]string{
			"stage": l.query.Stage, "action": l.query.Action, "time": parts[0], "stream": parts[1], "text": text,
		})
	}
	if l.terminal {
		text = show.Clean(text)
	}
	_, err := fmt.Fprintln(l.w, text)
	return err
}
