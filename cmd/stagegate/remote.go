package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
	"github.com/stagegate/stagegate/local/show"
)

// remote is the server that a command asks, with what is asked about it the same
// way by every such command.
type remote struct {
	api.Client
	server string
	json   bool
}

// remoteHelp is the end of the help of every command that asks a server.
const remoteHelp = `

The server is that of --server, else of STAGEGATE_PUBLIC_URL, else of this machine;
the token is STAGEGATE_TOKEN, else the operator's in STAGEGATE_ADMIN_TOKEN, else what
stagegate login has kept for the server, else what the file admin-token of the data
folder (STAGEGATE_DATA) holds. EXECUTION is an id, PIPELINE/NUMBER, or
OWNER/REPOSITORY/PIPELINE/NUMBER. The exit code is 1 if the server refuses, and 2
if the command is wrong.`

// command makes a command that asks a server. do is called when it is known which.
func (r *remote) command(cmd *cobra.Command, do func(cmd *cobra.Command, args []string) error) *cobra.Command {
	cmd.Long += remoteHelp
	cmd.Flags().StringVar(&r.server, "server", "", "`URL` of the server [STAGEGATE_PUBLIC_URL]")
	cmd.Flags().BoolVar(&r.json, "json", false, "write it for machines")
	completeFlag(cmd, "server", either())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := r.connect()
		if err == nil {
			err = do(cmd, args)
		}
		return r.conclude(cmd, err)
	}
	return cmd
}

// connect finds the server and the token.
func (r *remote) connect() error {
	s, err := config.LoadClient(os.Environ(), r.server)
	if err != nil {
		return err
	}
	r.URL, r.Token = s.PublicURL, cmp.Or(s.Token.Reveal(), s.AdminToken.Reveal())
	if r.Token != "" {
		return nil
	}
	if r.Token, err = keptToken(r.URL); r.Token != "" || err != nil {
		return err
	}
	text, err := os.ReadFile(s.AdminTokenPath())
	if errors.Is(err, fs.ErrNotExist) {
		return usageError{fmt.Errorf("there is no token: run stagegate login, or set STAGEGATE_TOKEN; the operator sets STAGEGATE_ADMIN_TOKEN, or STAGEGATE_DATA to the data folder of the server, and there is no %s", s.AdminTokenPath())}
	}
	if err != nil {
		return usageError{fmt.Errorf("read the token: %w", err)}
	}
	r.Token = strings.TrimSpace(string(text))
	return nil
}

// conclude writes a refusal the way that was asked for.
func (r *remote) conclude(cmd *cobra.Command, err error) error {
	var no *api.Refusal
	if !errors.As(err, &no) {
		return err
	}
	if !r.json {
		return errors.New(show.Clean(no.Message))
	}
	if err := encode(cmd.OutOrStdout(), no); err != nil {
		return err
	}
	return errShown
}

// encode writes a value for machines.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// find returns the id of the execution that a text names.
func (r *remote) find(ctx context.Context, name string) (string, error) {
	if _, err := strconv.ParseUint(name, 10, 63); err == nil {
		return name, nil
	}
	parts := strings.Split(name, "/")
	n, err := strconv.Atoi(parts[len(parts)-1])
	if err != nil || n < 1 || len(parts) != 2 && len(parts) != 4 {
		return "", usageError{fmt.Errorf("%q is no execution: write an id, PIPELINE/NUMBER or OWNER/REPOSITORY/PIPELINE/NUMBER", name)}
	}
	f := api.Filter{Pipeline: parts[len(parts)-2], Number: n, Repository: strings.Join(parts[:len(parts)-2], "/")}
	page, err := r.Executions(ctx, f)
	switch {
	case err != nil:
		return "", err
	case len(page.Items) == 1:
		return page.Items[0].ID, nil
	case len(page.Items) == 0:
		return "", &api.Refusal{Code: api.NotFound, Message: fmt.Sprintf("there is no execution %s", name)}
	}
	var full []string
	for _, x := range page.Items {
		full = append(full, fmt.Sprintf("%s/%s/%d", x.Repository, x.Pipeline, x.Number))
	}
	return "", &api.Refusal{
		Code: api.Ambiguous, Message: fmt.Sprintf("several executions are called %s: name one of %s", name, strings.Join(full, ", ")), Alternatives: full,
	}
}

// after shows the execution as it is after an operation.
func (r *remote) after(cmd *cobra.Command, x api.Execution, err error) error {
	if err != nil {
		return err
	}
	if r.json {
		return encode(cmd.OutOrStdout(), x)
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), headline(x.Summary))
	return err
}

// named asks for an execution and at most so many words more.
func named(more int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError{fmt.Errorf("the EXECUTION is missing: see %s --help", cmd.CommandPath())}
		}
		return counted(cobra.MaximumNArgs(1+more))(cmd, args)
	}
}

// completePatience is how long whoever presses the tab key is kept waiting.
const completePatience = 2 * time.Second

// complete offers the newest executions, then what one of them has to offer.
func (r *remote) complete(of func(api.Execution) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completePatience)
		defer cancel()
		if r.connect() != nil || len(args) > 1 || len(args) == 1 && of == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var offers []string
		if len(args) == 0 {
			page, _ := r.Executions(ctx, api.Filter{Limit: 20}) // who completes a word is told of no error
			for _, x := range page.Items {
				offers = append(offers, x.ID+"\t"+headline(x))
			}
		} else if id, err := r.find(ctx, args[0]); err == nil {
			x, _ := r.Execution(ctx, id) // likewise
			offers = of(x)
		}
		return offers, cobra.ShellCompDirectiveNoFileComp
	}
}

// headline is an execution in one line.
func headline(x api.Summary) string {
	text := fmt.Sprintf("%s %d of %s: %s", x.Pipeline, x.Number, x.Repository, statusWords(x.Status))
	switch {
	case x.Status == string(pipeline.Stopping), x.Status == string(pipeline.Cancelling):
		text += ": " + explain.Stop(x.Reason, x.Abandoned || x.Status == string(pipeline.Cancelling))
	case x.Reason != "":
		text += ": " + x.Reason
	}
	return show.Clean(text)
}

func statusWords(status string) string { return strings.ReplaceAll(status, "_", " ") }

func shortCommit(sha string) string { return sha[:min(7, len(sha))] }
