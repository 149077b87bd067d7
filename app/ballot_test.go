package app

import (
	"errors"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestApprovalRacesWithAPush stores a push after GitHub was asked for the head and
// before the vote is counted: the vote is refused in its own transaction.
func TestApprovalRacesWithAPush(t *testing.T) {
	a, _ := bench(t)
	begin := func(delivery int64, commit string, trigger pipeline.Trigger) store.Execution {
		t.Helper()
		x := store.Execution{Delivery: delivery, Execution: pipeline.Execution{
			RepositoryID: 42, Repository: "octo/shop", Lane: "refs/heads/main", Trigger: trigger, Revision: pipeline.Revision{Commit: commit},
			Definition: pipeline.Definition{Name: "ci", Mode: pipeline.Parallel, Stages: []pipeline.Stage{
				{Name: "production", Actions: []pipeline.Action{{Name: "sign-off", Approval: &pipeline.Approval{Count: 2, Expires: pipeline.DefaultApprovalExpiry}}}},
			}},
		}}
		if _, err := a.begin(t.Context(), &x, nil, ""); err != nil {
			t.Fatal(err)
		}
		return x
	}
	vote := func(x store.Execution, login string) error {
		return a.store.Update(t.Context(), func(tx store.Tx) error {
			fresh, err := tx.Execution(t.Context(), x.ID)
			if err != nil {
				return err
			}
			g := gate{fresh, 0, 0}
			_, err = ballot{addressed{fresh, pipeline.Decided{At: a.now(), Job: g.job(), Actor: login, Approved: true, Meets: []string{"1"}}}, g}.apply(t.Context(), tx)
			return err
		})
	}
	first := begin(1, "aaaaaaaa", pipeline.Push)
	source := pipeline.SourceFetched{At: a.now(), Source: pipeline.Artifact{Name: pipeline.SourceArtifact, Digest: "d"}}
	if err := a.happened(t.Context(), first.ID, source); err != nil {
		t.Fatal(err)
	}
	if err := vote(first, "ann"); err != nil {
		t.Fatalf("the first of two, at the head: %v", err)
	}
	begin(-2, "cccccccc", pipeline.Manual) // of a commit that a person chose
	begin(3, "bbbbbbbb", pipeline.Push)
	err := vote(first, "bob")
	var no refusal
	if !errors.As(err, &no) || no.code != codeConflict || !strings.HasPrefix(no.message, "the head has moved on to bbbbbbb since; ci/production/sign-off waits") {
		t.Fatalf("the second of two, after a push: %v", err)
	}
	begin(4, "aaaaaaaa", pipeline.Push) // thrown back
	if err := vote(first, "bob"); err != nil {
		t.Errorf("the head is back: %v", err)
	}
}
