package docker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// reserve announces the jobs of execution "one" and returns what ends that.
func (b *bench) reserve(jobs, together int) (release func()) {
	b.Helper()
	release1 := b.engine.Reserve(b.Context(), runner.Reservation{
		Runner: b.id, Execution: "one", Containers: jobs, Together: together, Dir: b.TempDir(),
	})
	return func() {
		b.Helper()
		if err := release1(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
	}
}

// next is a job of an execution that says which network namespace it is in.
func (b *bench) next(execution, action, run string) pipeline.Job {
	j := b.job("echo netns $(readlink /proc/self/ns/net)\n" + run)
	j.ID.Execution, j.ID.Action = execution, action
	return j
}

// netns reads that out of the log of the last job.
func (b *bench) netns() string {
	b.Helper()
	for _, l := range b.files.lines(runner.Stdout) {
		if at, ok := strings.CutPrefix(l, "netns "); ok {
			return at
		}
	}
	b.Fatalf("the job does not say where it is:\n%s", b.files.log())
	return ""
}

// TestReserve gives a namespace to two jobs of an execution, of which the first
// leaves there what it can.
func TestReserve(t *testing.T) {
	inBothModes(t, func(t *testing.T, b *bench) {
		release := b.reserve(4, 1)
		stop := b.run()
		do := func(j pipeline.Job) string {
			t.Helper()
			b.jobs.give(j)
			if res := b.jobs.result(t, j); res.Status != pipeline.Succeeded {
				t.Fatal(res.Reason, b.files.log())
			}
			return b.netns()
		}
		first := do(b.next("one", "first", `
			for file in hosts hostname resolv.conf; do cp /etc/$file /tmp/before; echo planted >> /etc/$file; done
			grep -q "$(hostname)" /etc/hosts && grep -q localhost /etc/hosts && grep -q nameserver /etc/resolv.conf
			nc -l -p 7778 &
			until grep -q :1E62 /proc/net/tcp*; do sleep 0.1; done`))
		second := do(b.next("one", "second", `
			if grep planted /etc/hosts /etc/hostname /etc/resolv.conf; then exit 1; fi
			if grep :1E62 /proc/net/tcp*; then echo "somebody listens"; exit 1; fi
			echo "1.2.3.4 mine.example" >> /etc/hosts`))
		stranger := do(b.next("two", "stranger", `if grep mine.example /etc/hosts; then exit 1; fi`))
		if first != second {
			t.Errorf("the second job is in %s, the first was in %s", second, first)
		}
		if stranger == first {
			t.Error("a job of another execution got the same namespace")
		}
		stop()
		release()
		b.nothingLeft()
	})
}

// TestReserveKeepsApart runs two jobs at once, which must not meet.
func TestReserveKeepsApart(t *testing.T) {
	b := newBench(t)
	b.slots = 2
	release := b.reserve(8, 2)
	stop := b.run()
	server := b.next("one", "server", `nc -l -p 7777 & sleep 4`)
	client := b.next("one", "client", `sleep 2; if nc -w 1 127.0.0.1 7777 < /dev/null; then exit 1; fi`)
	b.jobs.give(server)
	b.jobs.give(client)
	for _, j := range []pipeline.Job{server, client} {
		if res := b.jobs.result(t, j); res.Status != pipeline.Succeeded {
			t.Error(j.ID.Action, res.Reason, b.files.log())
		}
	}
	stop()
	release()
	b.nothingLeft()
}

// kept waits for the container that keeps a namespace.
func (b *bench) kept() (id string) {
	b.Helper()
	for {
		if all := b.containers(); len(all) > 0 && all[0].State == container.StateRunning {
			return all[0].ID
		}
		if err := b.Context().Err(); err != nil {
			b.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestReserveIsGone takes away what keeps the namespace.
func TestReserveIsGone(t *testing.T) {
	for name, take := range map[string]func(ctx context.Context, id string) error{
		"removed": func(ctx context.Context, id string) error {
			return api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true})
		},
		"stopped": func(ctx context.Context, id string) error {
			return api.ContainerKill(ctx, id, "KILL")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			release := b.reserve(4, 1)
			if err := take(t.Context(), b.kept()); err != nil {
				t.Fatal(err)
			}
			stop := b.run()
			j := b.next("one", "first", "echo k=v >> $STAGEGATE_OUTPUT")
			began := time.Now()
			b.jobs.give(j)
			b.succeeded(b.jobs.result(t, j))
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("it took %s", took)
			}
			stop()
			release()
			b.nothingLeft()
		})
	}
}

// TestReserveOfTheDead sees that a process which is killed leaves nothing that
// the next one does not remove.
func TestReserveOfTheDead(t *testing.T) {
	b := newBench(t)
	_ = b.reserve(4, 1)
	b.kept()
	b.do(b.next("two", "other", "true"))
}

// TestReserveIsWorthIt counts what a reservation makes.
func TestReserveIsWorthIt(t *testing.T) {
	for _, c := range []struct{ jobs, together, want int }{
		{1, 1, 0}, {2, 1, 0}, {3, 1, 1}, {10, 1, 1}, {4, 4, 0}, {8, 4, 2}, {12, 4, 4}, {40, 4, 4},
	} {
		b := freshBench(t)
		release := b.reserve(c.jobs, c.together)
		deadline := time.Now().Add(10 * time.Second)
		for len(b.containers()) < c.want && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		if n := len(b.containers()); n != c.want {
			t.Errorf("%d jobs, %d at once: %d namespaces, want %d", c.jobs, c.together, n, c.want)
		}
		release()
		b.nothingLeft()
	}
}
