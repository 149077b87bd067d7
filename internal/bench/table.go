package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// table is what was measured, for people.
func table(results []result, rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rounds in random order after one that does not count; median (lowest to highest), in ms. "+
		"The ratio is that of the medians, behind it the middle half of the ratios of single rounds.\n\n", rounds)
	b.WriteString("| | work | raw | `stagegate run` | ratio | limit |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, r := range results {
		low, high := r.middle()
		fmt.Fprintf(&b, "| %s | %s | %s | %s | **%.2f** (%.2f to %.2f) | %.2f |\n", r.name, r.what,
			spread(r.took[raw]), spread(r.took[stagegate]), r.ratio(), low, high, r.limit)
	}
	return b.String()
}

func spread(took []time.Duration) string {
	return fmt.Sprintf("%d (%d to %d)", median(took).Milliseconds(), slices.Min(took).Milliseconds(), slices.Max(took).Milliseconds())
}

func median(took []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (r result) ratio() float64 {
	return float64(median(r.took[stagegate])) / float64(median(r.took[raw]))
}

// middle returns the quartiles of the ratios of single rounds.
func (r result) middle() (low, high float64) {
	ratios := make([]float64, len(r.took[raw]))
	for i := range ratios {
		ratios[i] = float64(r.took[stagegate][i]) / float64(r.took[raw][i])
	}
	slices.Sort(ratios)
	n := len(ratios)
	return ratios[n/4], ratios[n-1-n/4]
}

// overLimits is the error of a promise that was not kept.
func overLimits(results []result) error {
	var err error
	for _, r := range results {
		if r.ratio() > r.limit {
			err = errors.Join(err, fmt.Errorf("%s: ratio %.3f, the limit is %.2f", r.name, r.ratio(), r.limit))
		}
	}
	return err
}

// machine describes where it was measured, and how busy that was.
func machine(ctx context.Context) string {
	engine, err := exec.CommandContext(ctx, "docker", "version", "--format",
		"{{.Server.Version}}{{range .Server.Components}}{{if or (eq .Name \"containerd\") (eq .Name \"runc\")}}, {{.Name}} {{.Version}}{{end}}{{end}}").Output()
	if err != nil {
		engine = []byte("unknown")
	}
	return fmt.Sprintf("%s: %d CPUs (%s), Linux %s, Docker Engine %s, %s. Load average at the end: %s.\n",
		time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), processor(), firstWords("/proc/sys/kernel/osrelease", 1),
		bytes.TrimSpace(engine), runtime.Version(), firstWords("/proc/loadavg", 3))
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return runtime.GOARCH
}

func firstWords(file string, n int) string {
	text, _ := os.ReadFile(file)
	words := strings.Fields(string(text))
	return strings.Join(words[:min(n, len(words))], " ")
}

// The marks in the page.
const (
	tableBegin = "<!-- make bench writes from here -->\n"
	tableEnd   = "<!-- to here -->"
)

// replace puts text between the marks of a page.
func replace(page, text string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(old), tableBegin)
	_, after, ends := strings.Cut(rest, tableEnd)
	if !begins || !ends {
		return fmt.Errorf("write %s: it has no place for the table: %s", page, strings.TrimSpace(tableBegin))
	}
	return os.WriteFile(page, []byte(before+tableBegin+text+tableEnd+after), 0o644) //nolint:gosec // a page of documentation
}
