package main

import (
	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/app/api"
)

// decideCommand is approve, or reject.
func decideCommand(approved bool) *cobra.Command {
	var r remote
	a := api.Answer{Approved: approved}
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
		x, err := r.Decide(cmd.Context(), id, a)
		return r.after(cmd, x, err)
	})
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
