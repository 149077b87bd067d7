package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/local/show"
	wire "github.com/stagegate/stagegate/runner/remote"
)

func runnerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runner",
		Short: "Run jobs of a server on this machine",
		Long: `Run jobs of a server on this machine, until it is told to stop. It needs a Docker
Engine, the address of the server and a token, which the server's operator makes with
"stagegate runner add NAME". What it is given are the jobs of every repository, with
their secrets: run it on machines that you trust as you do the server.

Every flag may also be given as the environment variable beside it, or in a file
that the variable with _FILE at its end names.`,
		Example: `  export STAGEGATE_RUNNER_TOKEN_FILE=/etc/stagegate/runner-token
  stagegate runner --server https://ci.example.com --data /var/lib/stagegate-runner`,
		Args: known,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := config.LoadRunner(os.Environ(), changed(cmd.Flags()))
			if err != nil {
				return err
			}
			return serveRunner(cmd.Context(), settings, logger(settings))
		},
	}
	settingFlags(cmd, config.RunnerList())
	cmd.AddCommand(runnerAddCommand(), runnerListCommand(), runnerRemoveCommand())
	return cmd
}

// serveRunner runs jobs of a server until ctx ends.
func serveRunner(ctx context.Context, s config.Settings, log *slog.Logger) error {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	tmp := filepath.Join(s.Data, "tmp")
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("empty the temporary folder: %w", err)
	}
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return fmt.Errorf("make the temporary folder: %w", err)
	}
	client, err := wire.NewClient(wire.Server{
		URL: s.PublicURL, Token: s.RunnerToken.Reveal(), UserAgent: "stagegate/" + version, TempDir: tmp,
	})
	if err != nil {
		return err
	}
	r, err := newRunner(s, client, client, log)
	if err != nil {
		return err
	}
	if _, err := client.Held(ctx, r.ID); err != nil {
		return fmt.Errorf("ask %s for work: %w", s.PublicURL, err)
	}
	log.Info("runner is up", "version", version, "server", s.PublicURL, "runners", s.Runners)
	err = r.run(ctx)
	log.Info("runner is down")
	return err
}

func runnerAddCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a token for a runner on another machine",
		Long:  `Make a token for a runner on another machine, and write it. Nobody is shown it again.`,
		Args:  counted(cobra.ExactArgs(1)),
	}
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		made, err := r.AddRunner(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if r.json {
			return encode(cmd.OutOrStdout(), made)
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), made.Token)
		return err
	})
}

func runnerListCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the runners on other machines",
		Long:  `List the runners on other machines, with when they last asked for work.`,
		Args:  counted(cobra.NoArgs),
	}
	return r.command(cmd, func(cmd *cobra.Command, _ []string) error {
		page, err := r.Runners(cmd.Context())
		if err != nil {
			return err
		}
		if r.json {
			return encode(cmd.OutOrStdout(), page)
		}
		return runnerTable(cmd.OutOrStdout(), page.Items)
	})
}

func runnerTable(w io.Writer, list []api.Runner) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tMADE\tBY\tSEEN")
	for _, r := range list {
		seen := "never"
		if !r.SeenAt.IsZero() {
			seen = r.SeenAt.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", show.Clean(r.Name), r.MadeAt.Format(time.RFC3339), show.Clean(r.MadeBy), seen)
	}
	return table.Flush()
}

func runnerRemoveCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Make a runner's token worthless",
		Long: `Make a runner's token worthless, and those of the jobs that it has: they end as lost,
and what it tells of them is no longer heard.`,
		Args: counted(cobra.ExactArgs(1)),
	}
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		gone, err := r.RemoveRunner(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if r.json {
			return encode(cmd.OutOrStdout(), gone)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "the runner %s is gone\n", show.Clean(gone.Name))
		return err
	})
}
