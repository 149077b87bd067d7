package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
)

func startCommand() *cobra.Command {
	var (
		r         remote
		s         api.Start
		key       string
		variables []string
	)
	cmd := &cobra.Command{
		Use:   "start PIPELINE",
		Short: "Start a pipeline",
		Long: `Start a pipeline, whatever its triggers say: of the newest commit of the default
branch, or of what the flags choose. With --key it is started once, however often
the command is given.`,
		Example: `  stagegate start release
  stagegate start release --branch main --commit 3f2c1ab0… --var REGION=eu-west-1
  stagegate start release --repository octo/shop --key nightly-2026-11-25`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("the PIPELINE is missing: see %s --help", cmd.CommandPath())}
			}
			return counted(cobra.MaximumNArgs(1))(cmd, args)
		},
		ValidArgsFunction: r.completeKnown,
	}
	flags := cmd.Flags()
	flags.StringVar(&s.Repository, "repository", "", "`OWNER/REPOSITORY` of the pipeline (default the one that has such a pipeline)")
	flags.StringVar(&s.Branch, "branch", "", "`BRANCH` (default that of the repository)")
	flags.StringVar(&s.Tag, "tag", "", "`TAG`, in place of a branch")
	flags.StringVar(&s.Commit, "commit", "", "whole `SHA` of a commit of the branch (default its newest)")
	flags.StringArrayVar(&variables, "var", nil, "give a variable of the pipeline another value: `NAME=VALUE` (repeatable)")
	flags.StringVar(&key, "key", "", "start once for this `KEY`")
	for _, name := range []string{"repository", "branch", "tag", "commit", "var", "key"} {
		completeFlag(cmd, name, either())
	}
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		values, err := assignments(variables)
		if err != nil {
			return err
		}
		s.Pipeline, s.Variables = args[0], map[string]string{}
		for _, v := range values {
			s.Variables[v.Name] = v.Value
		}
		if s.Repository == "" {
			if s.Repository, err = r.repositoryOf(cmd.Context(), s.Pipeline); err != nil {
				return err
			}
		}
		x, err := r.Start(cmd.Context(), s, key)
		return r.after(cmd, x, err)
	})
}

// repositoryOf finds the repository that a pipeline is known of.
func (r *remote) repositoryOf(ctx context.Context, name string) (string, error) {
	page, err := r.Pipelines(ctx, "")
	if err != nil {
		return "", err
	}
	var found []string
	for _, p := range page.Items {
		if strings.EqualFold(p.Name, name) {
			found = append(found, p.Repository)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", &api.Refusal{Code: api.NotFound, Message: fmt.Sprintf("no pipeline %q is known yet: say of which --repository it is", name)}
	}
	return "", &api.Refusal{
		Code: api.Ambiguous, Message: fmt.Sprintf("several repositories have a pipeline %q: choose --repository %s", name, strings.Join(found, " or ")), Alternatives: found,
	}
}

// completeKnown offers the pipelines that had an execution.
func (r *remote) completeKnown(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completePatience)
	defer cancel()
	if len(args) > 0 || r.connect() != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	page, _ := r.Pipelines(ctx, "") // who completes a word is told of no error
	var offers []string
	for _, p := range page.Items {
		offers = append(offers, p.Name+"\t"+p.Repository)
	}
	return offers, cobra.ShellCompDirectiveNoFileComp
}
