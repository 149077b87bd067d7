package runner_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// inBubble runs a test with a clock of its own. The bubble also finds every
// goroutine that is left behind.
func inBubble(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newWorld(t)) })
}

func (w *world) want(status pipeline.Status, reason string) pipeline.Result {
	w.Helper()
	r := <-w.jobs.results
	if r.Status != status || r.Reason != reason {
		w.Errorf("%s: %q, want %s: %q", r.Status, r.Reason, status, reason)
	}
	return r
}

func TestOneJob(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		j := job("compile", "print hello\noutput version=2\nmake shop\nprint bye")
		j.Artifacts = []pipeline.Output{{Name: "shop", Path: "shop"}}
		w.jobs.queue <- j
		r := w.want(pipeline.Succeeded, "")
		if len(r.Outputs) != 1 || len(r.Artifacts) != 1 || r.Image != "golang:1@sha256:1" {
			t.Errorf("%+v", r)
		}
		if got := w.files.text(); !strings.HasPrefix(got, "s pulling golang:1\no hello\no bye\ns artifact shop: files 1") {
			t.Errorf("%q", got)
		}
		stop()
		if w.engine.count() != 0 || w.jobs.starts != 1 {
			t.Errorf("%d containers left, started %d times", w.engine.count(), w.jobs.starts)
		}
	})
}

func TestSlotsBoundWhatRuns(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		for i := range 10 {
			w.jobs.queue <- job(fmt.Sprint("a", i), "sleep 1s")
		}
		for range 10 {
			w.want(pipeline.Succeeded, "")
		}
		stop()
		if w.engine.most != 2 {
			t.Errorf("%d ran at once", w.engine.most)
		}
	})
}

func TestCancelStopsWithGrace(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		j := job("deploy", "deaf\nsleep 1h")
		w.jobs.queue <- j
		time.Sleep(time.Minute)
		synctest.Wait()
		began, before := time.Now(), w.jobs.renewals
		w.jobs.order(j)
		r := w.want(pipeline.Cancelled, "cancelled")
		if d := time.Since(began); d < 10*time.Second || d > 12*time.Second || r.ExitCode != 137 {
			t.Errorf("exit code %d after %s", r.ExitCode, d)
		}
		stop()
		if got := w.engine.calls; !slices.Equal(got, []string{"TERM", "KILL"}) {
			t.Errorf("%q", got)
		}
		if n := w.jobs.renewals - before; n > 3 {
			t.Errorf("renewed %d times while stopping", n)
		}
	})
}

func TestTimeoutIsTheJobsOrTheCeiling(t *testing.T) {
	for want, own := range map[string]time.Duration{"5m0s": 5 * time.Minute, "1h0m0s": 0, "1h0m0s ": 10 * time.Hour} {
		inBubble(t, func(w *world) {
			stop := w.run()
			j := job("slow", "sleep 100h")
			j.Timeout = own
			w.jobs.queue <- j
			w.want(pipeline.TimedOut, "ran longer than "+strings.TrimSpace(want))
			stop()
		})
	}
}

func TestStopLeavesContainersAndTheNextRunAdopts(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		w.jobs.queue <- job("a", "print one\nsleep 1m\nprint two\nexit 3")
		time.Sleep(10 * time.Second)
		if d := stop(); d > time.Second {
			t.Errorf("stopping took %s", d)
		}
		if w.engine.count() != 1 || len(w.engine.calls) > 0 {
			t.Fatalf("%d containers, signals %q", w.engine.count(), w.engine.calls)
		}
		stop = w.run()
		r := w.want(pipeline.Failed, "exit code 3")
		if got := w.files.text(); got != "s Stagegate was restarted and has taken over this container\no one\no two\ns failed: exit code 3\n" {
			t.Errorf("%q", got)
		}
		if w.engine.started() != 1 || r.Image != "golang:1@sha256:1" {
			t.Errorf("started %d times: %+v", w.engine.started(), r)
		}
		stop()
	})
}

// The process may die after the result was made and before it was taken.
func TestResultIsMadeAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		w.jobs.finishErr = errors.New("database is locked")
		stop := w.run()
		w.jobs.queue <- job("a", "output k=v")
		time.Sleep(5 * time.Second)
		stop()
		w.jobs.finishErr = nil
		stop = w.run()
		if r := w.want(pipeline.Succeeded, ""); len(r.Outputs) != 1 {
			t.Errorf("%+v", r)
		}
		stop()
		if w.engine.started() != 1 || w.engine.count() != 0 {
			t.Errorf("started %d times, %d left", w.engine.started(), w.engine.count())
		}
	})
}

func TestEngineIsAwayAtTheStart(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		w.jobs.queue <- job("a", "print one\nsleep 20s")
		time.Sleep(time.Second)
		stop()
		w.engine.setAway(true)
		stop = w.run()
		w.jobs.queue <- job("b", "print two")
		time.Sleep(time.Minute) // twice the lease: it is renewed meanwhile
		if len(w.jobs.queue) != 1 {
			t.Error("a job was leased without an engine")
		}
		w.engine.setAway(false)
		w.want(pipeline.Succeeded, "")
		w.want(pipeline.Succeeded, "")
		stop()
		if w.engine.started() != 2 {
			t.Errorf("started %d times", w.engine.started())
		}
	})
}

func TestEngineGoesAndComesBack(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		w.jobs.queue <- job("a", "print one\nsleep 20s\nprint two")
		time.Sleep(time.Second)
		w.engine.setAway(true)
		time.Sleep(time.Minute)
		w.engine.setAway(false)
		w.want(pipeline.Succeeded, "")
		if got := w.files.text(); got != "s pulling golang:1\no one\no two\n" {
			t.Errorf("%q", got)
		}
		stop()
		if w.engine.started() != 1 {
			t.Errorf("started %d times", w.engine.started())
		}
	})
}

func TestEngineIsLost(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		w.jobs.queue <- job("a", "sleep 1h")
		time.Sleep(time.Second)
		w.engine.setAway(true)
		w.want(pipeline.Errored, "Docker Engine was lost")
		time.Sleep(time.Hour / 2)
		w.engine.setAway(false)
		time.Sleep(10 * time.Second)
		if w.engine.count() != 0 {
			t.Error("the container runs on")
		}
		stop()
	})
}

func TestLeaseThatCannotBeRenewedKills(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		w.jobs.queue <- job("a", "deaf\nsleep 1h")
		time.Sleep(time.Second)
		began := time.Now()
		w.jobs.set(func() { w.jobs.renewErr = errors.New("no route to host") })
		for w.engine.count() > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		if d := time.Since(began); d > 35*time.Second || d < 20*time.Second {
			t.Errorf("killed after %s", d)
		}
		stop()
		if len(w.jobs.results) > 0 {
			t.Error("a result was told")
		}
	})
}

func TestRenewalMayFailForAWhile(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		w.jobs.queue <- job("a", "sleep 2m")
		time.Sleep(time.Second)
		w.jobs.set(func() { w.jobs.renewErr = errors.New("no route to host") })
		time.Sleep(14 * time.Second)
		w.jobs.set(func() { w.jobs.renewErr = nil })
		w.want(pipeline.Succeeded, "")
		stop()
	})
}

func TestLeaseGivenAwayKillsAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		w.jobs.queue <- job("a", "deaf\nsleep 1h")
		time.Sleep(time.Second)
		w.jobs.set(func() { w.jobs.renewErr = runner.ErrLeaseLost })
		time.Sleep(11 * time.Second)
		if w.engine.count() != 0 || len(w.jobs.results) > 0 {
			t.Errorf("%d containers, %d results", w.engine.count(), len(w.jobs.results))
		}
		stop()
	})
}

// A lease that is past its end after a long sleep can still be renewed.
func TestOldLeaseIsAdopted(t *testing.T) {
	inBubble(t, func(w *world) {
		w.jobs.finishErr = errors.New("down")
		stop := w.run()
		w.jobs.queue <- job("a", "print one")
		time.Sleep(time.Second)
		stop()
		w.jobs.finishErr = nil
		time.Sleep(24 * time.Hour)
		stop = w.run()
		w.want(pipeline.Succeeded, "")
		stop()
	})
}

func TestImageRefusal(t *testing.T) {
	inBubble(t, func(w *world) {
		w.engine.imageErr = &runner.Refusal{Reason: "image golang:1: not found in its registry"}
		stop := w.run()
		w.jobs.queue <- job("a", "print one")
		r := w.want(pipeline.Errored, "image golang:1: not found in its registry")
		if !r.StartedAt.IsZero() || !strings.HasSuffix(r.LogTail, r.Reason) {
			t.Errorf("%+v", r)
		}
		stop()
	})
}

func TestLogThatCannotBeWrittenIsReadAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		w.files.refuse = 1
		stop := w.run()
		w.jobs.queue <- job("a", "print one\nprint two")
		w.want(pipeline.Succeeded, "")
		if got := w.files.text(); got != "s pulling golang:1\no one\no two\n" || w.files.opens != 2 {
			t.Errorf("%q after %d", got, w.files.opens)
		}
		stop()
	})
}

func TestOutOfMemoryInWords(t *testing.T) {
	for script, want := range map[string]string{
		"exit 5": "exit code 5: a process was killed, out of memory (limit 4 GiB)",
		"exit 0": "",
	} {
		inBubble(t, func(w *world) {
			w.engine.oom = true
			stop := w.run()
			w.jobs.queue <- job("a", script)
			if r := <-w.jobs.results; r.Reason != want {
				t.Errorf("%q", r.Reason)
			}
			stop()
		})
	}
}

func TestContainerVanishes(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		w.jobs.queue <- job("a", "sleep 1h")
		time.Sleep(time.Second)
		w.engine.mu.Lock()
		for name, c := range w.engine.containers { // docker rm -f
			delete(w.engine.containers, name)
			c.signals <- "KILL"
			c.dropConnections()
		}
		w.engine.mu.Unlock()
		w.want(pipeline.Errored, "the container was removed while it ran")
		stop()
		if w.engine.started() != 1 {
			t.Errorf("started %d times", w.engine.started())
		}
	})
}

// Whatever call the process dies before, the next one ends the job as if
// nothing had been: one start, one result, the whole log, nothing left.
func TestCrashBeforeEveryCall(t *testing.T) {
	survived := false
	n := 1
	for ; !survived; n++ {
		if n > 200 {
			t.Fatal("the job makes no end of calls")
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			inBubble(t, func(w *world) { survived = crashBefore(w, n) })
		})
	}
	if n < 15 {
		t.Errorf("only %d calls", n)
	}
}

func crashBefore(w *world, n int) (survived bool) {
	c := &crash{left: n}
	w.engine.crash, w.jobs.crash, w.files.crash = c, c, c
	j := job("a", "print one\nsleep 1s\noutput k=v\nmake shop\nprint two")
	j.Artifacts = []pipeline.Output{{Name: "shop", Path: "shop"}}
	w.jobs.queue <- j
	stop := w.run()
	time.Sleep(5 * time.Second)
	stop()
	survived = c.left > 0

	w.engine.crash, w.jobs.crash, w.files.crash = nil, nil, nil
	stop = w.run()
	r := w.want(pipeline.Succeeded, "")
	time.Sleep(time.Second)
	stop()
	if len(r.Outputs) != 1 || len(r.Artifacts) != 1 || r.StartedAt.IsZero() {
		w.Errorf("%+v", r)
	}
	if text := w.files.text(); !strings.Contains(text, "o one\no two\ns artifact shop") {
		w.Errorf("log %q", text)
	}
	if w.engine.started() != 1 || w.engine.count() != 0 || len(w.jobs.results) > 0 {
		w.Errorf("started %d times, %d containers, %d more results", w.engine.started(), w.engine.count(), len(w.jobs.results))
	}
	return survived
}
