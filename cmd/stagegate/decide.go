package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
)

// decideCommand is approve, or reject.
func decideCommand(approved bool) *cobra.Command {
	var r remote
	a := api.Answer{Approved: approved}
	var set []string
	verb, short := "reject", "Reject what waits for an approval"
	if approved {
		verb, short = "approve", "Approve what waits for an approval"
	}
	cmd := &cobra.Command{
		Use:   verb + " EXECUTION [STAGE[/ACTION]]",
		Short: short,
		Long: short + `. Where only one approval waits, its name may be left
out. You are "the operator" then, who is nobody that an approval names in users or
teams.`,
		Example:           "  stagegate " + verb + " release/41 production --comment 'as discussed'",
		Args:              named(1),
		ValidArgsFunction: r.complete(waiting),
	}
	if approved {
		cmd.Flags().StringArrayVar(&set, "set", nil, "a field of the approval's form, as `NAME=VALUE`; may be given several times")
		completeFlag(cmd, "set", either())
	}
	cmd.Flags().StringVar(&a.Comment, "comment", "", "`TEXT` that is kept with the answer")
	cmd.Flags().StringVar(&a.Commit, "commit", "", "answer only if the execution is about this commit: its `SHA`, or how it begins")
	completeFlag(cmd, "comment", either())
	completeFlag(cmd, "commit", either())
	return r.command(cmd, func(cmd *cobra.Command, args []string) error {
		id, err := r.find(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if len(args) > 1 {
			a.Approval = args[1]
		}
		if a.Values, err = fields(set); err != nil {
			return err
		}
		x, err := r.Decide(cmd.Context(), id, a)
		return r.after(cmd, x, err)
	})
}

// fields are values of a form by their names.
func fields(set []string) (map[string]string, error) {
	var values map[string]string
	for _, one := range set {
		name, value, ok := strings.Cut(one, "=")
		if _, twice := values[name]; twice || !ok || name == "" {
			return nil, fmt.Errorf("--set %s: write NAME=VALUE, each name once", one)
		}
		if values == nil {
			values = map[string]string{}
		}
		values[name] = value
	}
	return values, nil
}

// waiting lists the approvals that wait.
func waiting(x api.Execution) []string {
	var names []string
	for _, st := range x.Stages {
		for _, a := range st.Actions {
			if a.Approval != nil && a.Status == "waiting" {
				names = append(names, st.Name+"/"+a.Name)
			}
		}
	}
	return names
}
