package show

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// drawnStage makes a stage of NAME=STATUS.
func drawnStage(name string, status pipeline.Status, actions ...string) pipeline.StageState {
	st := pipeline.StageState{Name: name, Status: status}
	for _, text := range actions {
		name, status, _ := strings.Cut(text, "=")
		st.Actions = append(st.Actions, pipeline.ActionState{Name: name, Status: pipeline.Status(status), Image: "busybox"})
	}
	return st
}

// watched is a tree on a terminal, ten seconds after it began.
func watched(t *testing.T, columns, rows int) (*Tree, *vt) {
	t.Helper()
	v := newVT(t, columns, rows)
	tree := NewTree(v, Terminal{Is: true, Colours: true}, v.size)
	tree.Begin(local.Beginning{Pipeline: "release", File: "release.yaml", Revision: "main at c0ffee1", At: time.Now(), Stages: []local.Step{
		{Stage: "build", Actions: []string{"compile", "lint"}}, {Stage: "ship", Actions: []string{"roll-out"}},
	}})
	time.Sleep(10 * time.Second)
	synctest.Wait()
	return tree, v
}

func logLine(text string) []byte { return []byte("2026-11-25T12:00:00.000Z o " + text + "\n") }

func want(t *testing.T, v *vt, what, text string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(text, "\n"), v.String()); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

func TestTreeIsDrawnInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree, v := watched(t, 44, 20)
		want(t, v, "at first", `
pipeline release (release.yaml), main at c0f
fee1
· build
  · compile
  · lint
· ship
  · roll-out
10 s, 0 of 3 actions done
`)
		x := pipeline.Execution{Status: pipeline.InProgress, Stages: []pipeline.StageState{
			drawnStage("build", pipeline.InProgress, "compile=in_progress", "lint=succeeded"), drawnStage("ship", pipeline.Pending, "roll-out=pending"),
		}}
		began := time.Now()
		x.Stages[0].StartedAt = began
		for i := range x.Stages[0].Actions {
			x.Stages[0].Actions[i].StartedAt = began
		}
		x.Stages[0].Actions[1].EndedAt = began.Add(1500 * time.Millisecond)
		tree.Change(x)
		tree.Log("build", "compile", append(logLine("first"), logLine("\x1b[31m日本語日本語日本語日本語\x1b[2J")...))
		tree.Note("left out of the source: a")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		running := `
pipeline release (release.yaml), main at c0f
fee1
stagegate > left out of the source: a
⠋ build  2.0 s
  ⠋ compile   2.0 s      日本語日本語日本…
  ✓ lint      1.5 s
· ship
  · roll-out
12 s, 1 of 3 actions done
`
		got := v.String()
		for _, w := range wheel[1:] {
			got = strings.ReplaceAll(got, w, wheel[0])
		}
		if diff := cmp.Diff(strings.TrimPrefix(running, "\n"), got); diff != "" {
			t.Errorf("running: %s", diff)
		}
		before := v.writes.Load()
		time.Sleep(time.Second)
		if n := v.writes.Load() - before; n > 10 {
			t.Errorf("%d writes a second", n)
		}
		end(tree, x)
		want(t, v, "at the end", `
pipeline release (release.yaml), main at c0f
fee1
stagegate > left out of the source: a
✗ build  3.0 s
  ✗ compile   3.0 s      failed: exit code…
  ✓ lint      1.5 s
· ship
  - roll-out

build/compile failed: exit code 3 (3.0 s)
  | one
  | two
build/compile: main.go:3: it does not compil
e
build/compile: its log is /l/build/compile.l
og

failed after 13 s: stage build failed
`)
	})
}

// end ends the execution: the first action failed.
func end(tree *Tree, x pipeline.Execution) {
	x.Status, x.Reason = pipeline.Failed, "stage build failed"
	a := &x.Stages[0].Actions[0]
	a.Status, a.Reason, a.EndedAt, a.LogTail = pipeline.Failed, "exit code 3", time.Now(), "one\n\x1b[31mtwo\x1b[0m"
	a.Annotations = []pipeline.Annotation{
		{Level: pipeline.LevelWarning, Message: "beware"},
		{Level: pipeline.LevelError, File: "main.go", Line: 3, Message: "it does\nnot \x1b[2Jcompile"},
	}
	x.Stages[0].Status, x.Stages[0].EndedAt = pipeline.Failed, time.Now()
	x.Stages[1].Actions[0].Status, x.Stages[1].Actions[0].Reason = pipeline.Cancelled, notStarted
	tree.End(local.Outcome{Execution: x, Took: 13 * time.Second, Logs: "/l", Artifacts: "/a"})
}

func TestTreeOnATerminalThatBecomesNarrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree, v := watched(t, 60, 20)
		v.resize(15)
		time.Sleep(time.Second)
		if got := v.String(); strings.Count(got, "compile") != 1 || strings.Count(got, "roll-out") != 1 {
			t.Errorf("after the resize:\n%s", got)
		}
		tree.Close()
		tree.Close()
	})
}

// TestTallTree has more stages than the terminal has lines.
func TestTallTree(t *testing.T) {
	var x pipeline.Execution
	for i := range 30 {
		status, action := pipeline.Pending, "a=pending"
		switch {
		case i < 4:
			status, action = pipeline.Succeeded, "a=succeeded"
		case i == 4:
			status, action = pipeline.InProgress, "a=in_progress"
		}
		x.Stages = append(x.Stages, drawnStage(fmt.Sprintf("stage%d", i), status, action, strings.Replace(action, "a", "b", 1)))
	}
	p := picture{stages: x.Stages, columns: 40, now: time.Now()}
	for _, c := range []struct {
		rows int
		want string // what some row says
		not  string
	}{
		{0, "  · b", "more lines"},
		{91, "  · b", "more lines"},
		{90, "  · b", "✓ a"},
		{40, "  ⠋ b", "· b"},
		{10, "… 24 more lines", "· b"},
		{1, "… 33 more lines", "stage0"},
	} {
		frame := p.frame(c.rows)
		var all []string
		for _, r := range frame {
			all = append(all, r.text)
		}
		text := strings.Join(all, "\n")
		if c.rows > 0 && len(frame) > c.rows || !strings.Contains(text, c.want) || strings.Contains(text, c.not) {
			t.Errorf("%d rows: %d lines, want %q and not %q\n%s", c.rows, len(frame), c.want, c.not, text)
		}
	}
}

// TestTreeMakesWayForAQuestion asks in place of the tree, one question after the
// other, the first of which goes away.
func TestTreeMakesWayForAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree, v := watched(t, 60, 30)
		keys, typing := io.Pipe()
		tree.to.Input = NewInput(keys, nil)
		ctx, withdraw := context.WithCancel(t.Context())
		done := make(chan local.Answer)
		ask := func(ctx context.Context, name string) {
			a, _ := tree.Ask(ctx, local.Question{Stage: "ship", Action: name, Pipeline: "release"})
			done <- a
		}
		go ask(ctx, "first")
		synctest.Wait()
		go ask(t.Context(), "second")
		time.Sleep(time.Second)
		if got := v.String(); strings.Contains(got, "compile") || !strings.HasSuffix(got, "comment if you like [n]:\n") {
			t.Errorf("while it asks:\n%s", got)
		}
		withdraw()
		if a := <-done; a.Approved {
			t.Error("the first was answered")
		}
		synctest.Wait()
		_, _ = typing.Write([]byte("yes, go\n"))
		if a := <-done; !a.Approved || a.Comment != "go" {
			t.Errorf("the second was answered with %+v", a)
		}
		time.Sleep(time.Second)
		if got := v.String(); strings.Count(got, "compile") != 1 {
			t.Errorf("after the answers:\n%s", got)
		}
		tree.Close()
		_ = typing.Close()
	})
}

// TestPlainOnATerminal holds back what a terminal would obey, but no colours.
func TestPlainOnATerminal(t *testing.T) {
	line := "\x1b]0;title\a\x1b[31mred\x1b[2J 1%\r\x1b[32mgreen"
	for _, c := range []struct {
		to   Terminal
		want string
	}{
		{Terminal{}, line},
		{Terminal{Is: true}, "green"},
		{Terminal{Is: true, Colours: true}, "\x1b[32mgreen\x1b[0m"},
	} {
		var out bytes.Buffer
		p := NewPlain(&out, c.to)
		p.Log("build", "compile", logLine(line))
		_ = p.out.Flush()
		if got := out.String(); got != "build/compile | "+c.want+"\n" {
			t.Errorf("%+v: %q", c.to, got)
		}
	}
}
