package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	schema "github.com/stagegate/stagegate/pipelines-schema"
)

func TestWorkloadsArePipelines(t *testing.T) {
	for _, w := range workloads {
		d, mistakes := schema.Parse("bench.yaml", []byte(w.pipeline("busybox")))
		if len(mistakes) > 0 {
			t.Errorf("%s: %v", w.name, mistakes)
		}
		if len(d.Stages) != len(w.stages) {
			t.Errorf("%s has %d stages, not %d", w.name, len(d.Stages), len(w.stages))
		}
	}
}

func TestTable(t *testing.T) {
	var ms [10]time.Duration
	for i := range ms {
		ms[i] = time.Duration(i) * 100 * time.Millisecond
	}
	r := result{workload: workload{name: "W0", what: "nothing", limit: 1.15}}
	r.took[raw] = []time.Duration{ms[2], ms[1], ms[4], ms[2]}
	r.took[stagegate] = []time.Duration{ms[3], ms[2], ms[4], ms[2]}
	want := "| W0 | nothing | 200 (100 to 400) | 250 (200 to 400) | **1.25** (1.00 to 1.50) | 1.15 |\n"
	if got := table([]result{r}, 4); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant it to end in\n%s", got, want)
	}
	if err := overLimits([]result{r}); err == nil {
		t.Error("a ratio over its limit is no error")
	}
	r.limit = 1.25
	if err := overLimits([]result{r}); err != nil {
		t.Error(err)
	}
}

func TestReplace(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	write(t, page, "before\n"+tableBegin+"old\n"+tableEnd+"\nafter\n")
	if err := replace(page, "new\n"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	if want := "before\n" + tableBegin + "new\n" + tableEnd + "\nafter\n"; err != nil || string(got) != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	write(t, page, "no marks\n")
	if err := replace(page, "new\n"); err == nil {
		t.Error("a page without a place for the table is no error")
	}
}

// TestCheck sees the check of W4 fail on a line that is lost, one that is at
// another place, and one that was not shown.
func TestCheck(t *testing.T) {
	w := workload{stages: [][]action{{{name: "print", lines: 3}}}}
	tree := t.TempDir()
	log := filepath.Join(tree, ".stagegate", "logs", "stage-1", "print.log")
	output := filepath.Join(tree, "output")
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stored, shown []int
		good          bool
	}{
		{[]int{1, 2, 3}, []int{1, 2, 3}, true},
		{[]int{1, 3}, []int{1, 2, 3}, false},
		{[]int{1, 3, 2}, []int{1, 2, 3}, false},
		{[]int{1, 2, 3}, []int{1, 2}, false},
	} {
		write(t, log, "2026-11-25T12:00:00.000Z s of Stagegate\n"+lines("2026-11-25T12:00:00.000Z o ", c.stored))
		write(t, output, "stage-1/print > running\n"+lines("stage-1/print | ", c.shown))
		if err := w.check(tree, output); (err == nil) != c.good {
			t.Errorf("stored %v, shown %v: %v", c.stored, c.shown, err)
		}
	}
}

func lines(prefix string, numbers []int) string {
	var b strings.Builder
	for _, n := range numbers {
		b.WriteString(prefix + lineText(n) + "\n")
	}
	return b.String()
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
