package runner_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// busyEngine gives out one line of the output every few seconds, as one does
// that has a million of them to give out and little time. After some lines it
// may give out nothing any more.
type busyEngine struct {
	*fakeEngine
	lines int
}

func (e *busyEngine) Create(ctx context.Context, s runner.Spec) (runner.Container, error) {
	c, err := e.fakeEngine.Create(ctx, s)
	return &busyContainer{c, e}, err
}

func (e *busyEngine) Containers(ctx context.Context, id string) ([]runner.Found, error) {
	found, err := e.fakeEngine.Containers(ctx, id)
	for i := range found {
		found[i].Container = &busyContainer{found[i].Container, e}
	}
	return found, err
}

type busyContainer struct {
	runner.Container
	engine *busyEngine
}

func (c *busyContainer) Start(ctx context.Context) (runner.Output, time.Time, error) {
	out, at, err := c.Container.Start(ctx)
	return c.engine.slow(out), at, err
}

func (c *busyContainer) Logs(ctx context.Context) (runner.Output, error) {
	out, err := c.Container.Logs(ctx)
	return c.engine.slow(out), err
}

func (e *busyEngine) slow(out runner.Output) runner.Output {
	return &busyOutput{Output: out, left: e.lines, closed: make(chan struct{})}
}

type busyOutput struct {
	runner.Output
	left   int
	text   []byte
	end    error
	closed chan struct{}
}

func (o *busyOutput) Next() (runner.Chunk, error) {
	for o.end == nil {
		c, err := o.Output.Next()
		o.text, o.end = append(o.text, c.Data...), err
	}
	if o.left == 0 {
		<-o.closed
		return runner.Chunk{}, io.ErrClosedPipe
	}
	o.left--
	i := bytes.IndexByte(o.text, '\n')
	if i < 0 || !errors.Is(o.end, io.EOF) {
		return runner.Chunk{}, o.end
	}
	time.Sleep(7 * time.Second)
	line := o.text[:i+1]
	o.text = o.text[i+1:]
	return runner.Chunk{Stream: runner.Stdout, Data: line}, nil
}

func (o *busyOutput) Close() error {
	close(o.closed)
	return o.Output.Close()
}

// However late the lines come after the end of the container, they are waited
// for as long as they come.
func TestOutputComesLate(t *testing.T) {
	inBubble(t, func(w *world) {
		w.config.Engine = &busyEngine{w.engine, 100}
		stop := w.run()
		w.jobs.queue <- job("a", strings.Repeat("print line\n", 20))
		w.want(pipeline.Succeeded, "")
		if got := w.files.text(); got != "s pulling golang:1\n"+strings.Repeat("o line\n", 20) || w.files.opens != 1 {
			t.Errorf("%q after %d readings", got, w.files.opens)
		}
		stop()
	})
}

// When they come no more, the job ends all the same, and its log says so.
func TestOutputNeverEnds(t *testing.T) {
	inBubble(t, func(w *world) {
		w.config.Engine = &busyEngine{w.engine, 3}
		stop := w.run()
		w.jobs.queue <- job("a", strings.Repeat("print line\n", 20))
		w.want(pipeline.Succeeded, "")
		want := "s pulling golang:1\n" + strings.Repeat("o line\n", 3) + "s the log is not complete: the engine did not give all of it\n"
		if got := w.files.text(); got != want {
			t.Errorf("%q after %d readings", got, w.files.opens)
		}
		stop()
	})
}
