package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestForkKeepsItsWalls whatever the base's definition takes down; another runtime
// takes nothing down.
func TestForkKeepsItsWalls(t *testing.T) {
	for _, c := range []struct {
		isolation pipeline.Isolation
		fork      bool
		refused   string
	}{
		{pipeline.Isolation{Privileged: true}, true, "a commit from a fork gets no privileged"},
		{pipeline.Isolation{Volumes: []pipeline.Volume{{From: "/a", To: "/b", ReadOnly: true}}}, true, "a commit from a fork gets no volumes=/a:ro"},
		{pipeline.Isolation{Privileged: true}, false, ""},
		{pipeline.Isolation{Runtime: "runsc"}, true, ""},
	} {
		x := release()
		x.Revision.Fork = c.fork
		x.Definition.Stages[0].Actions = slices.Clone(x.Definition.Stages[0].Actions)
		x.Definition.Stages[0].Actions[0].Isolation = c.isolation
		events := toBuild()
		if c.fork {
			events = append([]pipeline.Event{events[0], pipeline.Admitted{At: at(1), Actor: "bob"}}, events[1:]...)
		}
		x, effects := run(t, x, events...)
		job, handed := has[pipeline.StartJob](effects)
		a := x.Stages[0].Actions[0]
		if refused := a.Status == pipeline.Errored && strings.Contains(a.Reason, c.refused); refused != (c.refused != "") {
			t.Errorf("%v: %s, %s", c.isolation.Options(), a.Status, a.Reason)
		}
		if c.refused == "" && (!handed || !slices.Equal(job.Job.Isolation.Options(), c.isolation.Options())) {
			t.Errorf("%v: the job has %v", c.isolation.Options(), job.Job.Isolation)
		}
	}
}
