package local

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestDesk asks questions that are answered, expire, go away or cannot be
// answered.
func TestDesk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []pipeline.Event
		var notes []string
		d := &desk{
			actor: "ada", open: map[pipeline.JobID]context.CancelFunc{},
			report: func(note string) { notes = append(notes, note) },
			apply:  func(e pipeline.Event) error { events = append(events, e); return nil },
			ask: func(ctx context.Context, q Question) (Answer, error) {
				switch q.Action {
				case "answered":
					return Answer{Approved: true, Comment: "fine"}, nil
				case "deaf":
					return Answer{}, errors.New("the terminal gave no answer")
				}
				<-ctx.Done()
				return Answer{Approved: true}, ctx.Err()
			},
		}
		began := time.Now()
		put := func(action string) pipeline.JobID {
			id := pipeline.JobID{Stage: "ship", Action: action, Attempt: 1}
			d.put(t.Context(), id, Question{Action: action}, began.Add(time.Hour))
			synctest.Wait()
			return id
		}
		answered, deaf, expired, gone := put("answered"), put("deaf"), put("expired"), put("gone")
		d.withdraw(pipeline.Execution{Stages: []pipeline.StageState{{Name: "ship", Actions: []pipeline.ActionState{
			{Name: "expired", Status: pipeline.Waiting}, {Name: "gone", Status: pipeline.Cancelled},
		}}}})
		time.Sleep(2 * time.Hour)
		d.all.Wait()
		want := []pipeline.Event{
			pipeline.Decided{At: began, Job: answered, Actor: "ada", Door: door, Approved: true, Comment: "fine", Meets: everybody},
			pipeline.Decided{At: began, Job: deaf, Actor: "ada", Door: door, Meets: everybody},
			pipeline.ApprovalExpired{At: began.Add(time.Hour), Job: expired},
		}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("%v after %v\n%s", gone, notes, diff)
		}
		if diff := cmp.Diff([]string{"ship/deaf was not answered: the terminal gave no answer"}, notes); diff != "" {
			t.Error(diff)
		}
	})
}
