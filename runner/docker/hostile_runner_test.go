package docker_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// TestRunnerDiesAtAnyStep stops the runner as soon as it has come to a step, and
// lets another go on. The job is done once, with its whole log.
func TestRunnerDiesAtAnyStep(t *testing.T) {
	for _, step := range []string{"fill", "pack", "report"} {
		t.Run(step, func(t *testing.T) {
			inBothModes(t, func(t *testing.T, b *bench) {
				began := time.Now()
				reached := make(chan struct{})
				die := sync.OnceFunc(func() { close(reached) })
				switch step {
				case "fill":
					b.files.filling = die
				case "pack":
					b.files.packing = die
				case "report":
					b.jobs.finishing = func() error {
						die()
						return errors.New("the runner is dead")
					}
				}
				j := b.job(`seq 1 1000; echo k=v >> "$STAGEGATE_OUTPUT"`)
				j.Artifacts = []pipeline.Output{{Name: "all", Path: "."}}
				stop := b.run()
				b.jobs.give(j)
				<-reached
				stop()
				b.files.filling, b.files.packing, b.jobs.finishing = nil, nil, nil
				res := b.again(j)
				b.succeeded(res)
				if got := b.files.lines(runner.Stdout); len(got) != 1000 || got[0] != "1" || got[999] != "1000" {
					t.Errorf("%d lines", len(got))
				}
				if n := b.starts(began); n != 1 || len(res.Artifacts) != 1 {
					t.Errorf("started %d times, %d artifacts", n, len(res.Artifacts))
				}
			})
		})
	}
}

// again waits for the result of a job that another runner goes on with, and looks
// that nothing is left of it.
func (b *bench) again(j pipeline.Job) pipeline.Result {
	b.Helper()
	stop := b.run()
	res := b.jobs.result(b.T, j)
	stop()
	b.nothingLeft()
	return res
}

// A log that is longer than it may be is more than the engine keeps: read again
// after a restart it may lack its beginning (docs/operating.md). It still has an
// end and keeps to its limit.
func TestFloodIsAdopted(t *testing.T) {
	b := newBench(t)
	b.limits.LogLimit = 256 << 10
	j := b.job(`echo begun > count; yes | head -c 4000000; touch flooded; while ! test -e go; do sleep 0.1; done; seq 1 100; echo k=v >> "$STAGEGATE_OUTPUT"`)
	stop := b.run()
	b.jobs.give(j)
	b.jobs.started(t, j)
	b.until("it is flooded", func() bool { _, err := os.Stat(filepath.Join(b.workspaceOf(), "flooded")); return err == nil })
	stop()
	again := b.run()
	b.jobs.started(t, j)
	b.letGo()
	res := b.jobs.result(t, j)
	again()
	b.succeeded(res)
	got := b.files.lines(runner.Stdout)
	if len(b.files.log()) > 256<<10 || !slices.Equal(got[len(got)-2:], []string{"99", "100"}) {
		t.Errorf("%d bytes, ends with %q", len(b.files.log()), got[len(got)-2:])
	}
}
