package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/local/show"
)

func secretCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secret",
		Short: "Set, list or remove the secrets that actions are given",
		Args:  known,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(secretSetCommand(), secretListCommand(), secretRemoveCommand(), secretRotateCommand())
	return cmd
}

func secretSetCommand() *cobra.Command {
	var (
		r remote
		s api.SetSecret
	)
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Keep a secret, or the login of a registry of images",
		Long: `Keep a value that actions are given which name it under secrets. It is read from the
standard input, or asked for on a terminal, and nobody can read it again. Of one line
the newline at its end is dropped; several lines and binary data are kept as they are.

It is of a repository, of one of its environments, or of an organization; the most
specific wins. One of an environment reaches only stages with that environment.
--pipeline, --stage and --repositories restrict it further; without them it is for all.

With --registry HOST in place of NAME it is the password of a registry: images from there
are pulled with it, and no action sees it.`,
		Example: `  stagegate secret set DEPLOY_KEY --repo octo/shop --environment production < id_ed25519
  vault kv get -field=token ci/npm | stagegate secret set NPM_TOKEN --org octo --repositories shop,site
  stagegate secret set --registry ghcr.io --username octo-bot --repo octo/shop`,
		Args: secretNamed(&s.SecretPlace, true),
	}
	placeFlags(cmd, &s.SecretPlace)
	cmd.Flags().StringVar(&s.Username, "username", "", "the `LOGIN` at the registry")
	cmd.Flags().StringSliceVar(&s.Pipelines, "pipeline", nil, "only for pipelines `NAME`[,NAME]")
	cmd.Flags().StringSliceVar(&s.Stages, "stage", nil, "only for stages `NAME`[,NAME]")
	cmd.Flags().StringSliceVar(&s.Repositories, "repositories", nil, "of an organization's secret: only for `REPOSITORY`[,REPOSITORY]")
	for _, name := range []string{"username", "pipeline", "stage", "repositories"} {
		completeFlag(cmd, name, either())
	}
	return r.command(cmd, func(cmd *cobra.Command, _ []string) error {
		for name, list := range map[string][]string{"pipeline": s.Pipelines, "stage": s.Stages, "repositories": s.Repositories} {
			if cmd.Flags().Changed(name) && strings.Trim(strings.Join(list, ""), " ,") == "" {
				return usageError{fmt.Errorf("--%s is empty: name some, or leave it out for all", name)}
			}
		}
		value, err := secretValue(cmd, s)
		if err != nil {
			return err
		}
		kept, err := r.SetSecret(cmd.Context(), s, value)
		return r.said(cmd, kept, "is set", err)
	})
}

func secretListCommand() *cobra.Command {
	var (
		r  remote
		of api.SecretPlace
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what is kept, without the values",
		Long:  `List what is kept, for whom, who set it and when, and when a job was last given it.`,
		Args:  counted(cobra.NoArgs),
	}
	ownerFlags(cmd, &of)
	return r.command(cmd, func(cmd *cobra.Command, _ []string) error {
		page, err := r.Secrets(cmd.Context(), of)
		if err != nil {
			return err
		}
		if r.json {
			return encode(cmd.OutOrStdout(), page)
		}
		return secretTable(cmd.OutOrStdout(), page.Items)
	})
}

func secretRemoveCommand() *cobra.Command {
	var (
		r remote
		p api.SecretPlace
	)
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Forget a secret",
		Long: `Forget a secret, or with --registry the login of a registry. One of a repository that
is gone is found by the name that the repository had when it was set.`,
		Example: `  stagegate secret remove DEPLOY_KEY --repo octo/shop --environment production`,
		Args:    secretNamed(&p, false),
	}
	placeFlags(cmd, &p)
	return r.command(cmd, func(cmd *cobra.Command, _ []string) error {
		was, err := r.RemoveSecret(cmd.Context(), p)
		return r.said(cmd, was, "is removed", err)
	})
}

func secretRotateCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Encrypt all secrets anew, under a new key",
		Long: `Encrypt all secrets anew, under a new key that STAGEGATE_SECRETS_KEY_URL protects, and
forget the keys there were. To move to another key file, KMS or Vault, first start the
server with the new STAGEGATE_SECRETS_KEY_URL and the former as
STAGEGATE_SECRETS_OLD_KEY_URL, which can go afterwards.`,
		Args: counted(cobra.NoArgs),
	}
	return r.command(cmd, func(cmd *cobra.Command, _ []string) error {
		rotated, err := r.RotateSecrets(cmd.Context())
		if err != nil {
			return err
		}
		if r.json {
			return encode(cmd.OutOrStdout(), rotated)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "encrypted anew: %d\n", rotated.Secrets)
		return err
	})
}

// ownerFlags choose whose secrets are meant.
func ownerFlags(cmd *cobra.Command, p *api.SecretPlace) {
	cmd.Flags().StringVar(&p.Repository, "repo", "", "of `OWNER/REPOSITORY`")
	cmd.Flags().StringVar(&p.Organization, "org", "", "of the organization `OWNER`")
	cmd.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "repository" { // as other commands have it
			name = "repo"
		}
		return pflag.NormalizedName(name)
	})
	for _, name := range []string{"repo", "org"} {
		completeFlag(cmd, name, either())
	}
}

// placeFlags choose a place further.
func placeFlags(cmd *cobra.Command, p *api.SecretPlace) {
	ownerFlags(cmd, p)
	cmd.Flags().StringVar(&p.Environment, "environment", "", "of the environment `NAME` of the repository")
	cmd.Flags().StringVar(&p.Registry, "registry", "", "`HOST` of a registry of images, in place of NAME")
	for _, name := range []string{"environment", "registry"} {
		completeFlag(cmd, name, either())
	}
}

// secretNamed asks for the name of a secret, unless a registry is named. What stands
// behind it may be a value, and is not repeated.
func secretNamed(p *api.SecretPlace, valued bool) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		want := 1
		if p.Registry != "" {
			want = 0
		}
		switch {
		case len(args) < want:
			return usageError{fmt.Errorf("the NAME is missing: see %s --help", cmd.CommandPath())}
		case len(args) > want && valued, strings.Contains(strings.Join(args, ""), "="):
			return usageError{errors.New("a value is not taken as an argument, where other users of the machine and the shell's history see it: write it to the standard input")}
		case len(args) > want:
			return usageError{fmt.Errorf("too many arguments: see %s --help", cmd.CommandPath())}
		case (p.Repository == "") == (p.Organization == ""):
			return usageError{errors.New("say whose it is: --repo OWNER/REPOSITORY or --org OWNER")}
		}
		p.Name = strings.Join(args, "")
		return nil
	}
}

// said tells what has become of a secret.
func (r *remote) said(cmd *cobra.Command, s api.Secret, is string, err error) error {
	if err != nil {
		return err
	}
	if r.json {
		return encode(cmd.OutOrStdout(), s)
	}
	what := "secret " + s.Name
	if s.Registry != "" {
		what = "login of registry " + s.Registry
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), show.Clean(what+" of "+placeOf(s.SecretPlace)+" "+is))
	return err
}

func placeOf(p api.SecretPlace) string {
	switch {
	case p.Organization != "":
		return "organization " + p.Organization
	case p.Environment != "":
		return "environment " + p.Environment + " of " + p.Repository
	}
	return p.Repository
}

func secretTable(w io.Writer, list []api.Secret) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SECRET\tOF\tFOR\tSET BY\tAT\tLAST USED")
	for _, s := range list {
		name, used := s.Name, "never"
		if s.Registry != "" {
			name = "registry " + s.Registry + " (" + s.Username + ")"
		}
		if !s.UsedAt.IsZero() {
			used = s.UsedAt.Local().Format(dateTime)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", show.Clean(name), show.Clean(placeOf(s.SecretPlace)), show.Clean(termsOf(s)),
			show.Clean(s.SetBy), s.SetAt.Local().Format(dateTime), used)
	}
	return table.Flush()
}

// termsOf says who is given a secret.
func termsOf(s api.Secret) string {
	var terms []string
	for _, t := range []struct {
		what  string
		names []string
	}{{"repositories", s.Repositories}, {"pipelines", s.Pipelines}, {"stages", s.Stages}} {
		if len(t.names) > 0 {
			terms = append(terms, t.what+" "+strings.Join(t.names, ", "))
		}
	}
	if len(terms) == 0 {
		return "all"
	}
	return strings.Join(terms, "; ")
}
