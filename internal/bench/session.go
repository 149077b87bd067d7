package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// session is one measurement of several workloads.
type session struct {
	binary    string
	image     string
	rounds    int
	workloads []workload

	self string // this program
	dir  string // of the working trees, on the disk where the work is done
}

// The two sides of a comparison.
const (
	raw = iota
	stagegate
	sides
)

// result is what a workload took, round by round.
type result struct {
	workload
	took [sides][]time.Duration
}

// measure runs every workload on both sides, in a new random order each round.
// A round before the first warms up and does not count.
func (s session) measure(ctx context.Context) ([]result, error) {
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	defer os.RemoveAll(s.dir)
	results := make([]result, len(s.workloads))
	for i, w := range s.workloads {
		results[i].workload = w
	}
	for round := range s.rounds + 1 {
		fmt.Fprintf(os.Stderr, "round %d of %d", round, s.rounds)
		for _, n := range rand.Perm(len(results) * sides) { //nolint:gosec // an order, not a secret
			r, side := &results[n/sides], n%sides
			took, err := s.sample(ctx, r.workload, side)
			if err != nil {
				return nil, fmt.Errorf("run %s: %w", r.name, err)
			}
			if round == 0 {
				continue
			}
			r.took[side] = append(r.took[side], took)
			fmt.Fprintf(os.Stderr, " %s%s %d", r.name, [...]string{"raw", ""}[side], took.Milliseconds())
		}
		fmt.Fprintln(os.Stderr)
	}
	return results, nil
}

// prepare makes a working tree for every workload.
func (s *session) prepare(ctx context.Context) (err error) {
	if s.self, err = os.Executable(); err != nil {
		return err
	}
	if s.binary, err = filepath.Abs(s.binary); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "stagegate-bench-*"); err != nil {
		return err
	}
	for _, w := range s.workloads {
		if err := s.tree(ctx, w); err != nil {
			return errors.Join(fmt.Errorf("make the working tree of %s: %w", w.name, err), os.RemoveAll(s.dir))
		}
	}
	return nil
}

func (s session) tree(ctx context.Context, w workload) error {
	folder := filepath.Join(s.dir, w.name, ".github/pipelines")
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // an ordinary working tree
		return err
	}
	err := os.WriteFile(filepath.Join(folder, "bench.yaml"), []byte(w.pipeline(s.image)), 0o644) //nolint:gosec // likewise
	if err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"add", "--all"},
		{"-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--quiet", "--message", "bench"},
	} {
		git := exec.CommandContext(ctx, "git", args...) //nolint:gosec // the arguments are those above
		git.Dir = filepath.Join(s.dir, w.name)
		if out, err := git.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(out))
		}
	}
	return nil
}

// sample runs a workload once, as a process whose output goes to a file, and
// checks afterwards that the work was done.
func (s session) sample(ctx context.Context, w workload, side int) (time.Duration, error) {
	tree := filepath.Join(s.dir, w.name)
	args := []string{s.binary, "run"}
	if side == raw {
		args = []string{s.self, rawArgument, w.name, s.image, s.dir}
	}
	output := filepath.Join(s.dir, "output")
	shown, err := os.Create(output)
	if err != nil {
		return 0, err
	}
	defer shown.Close()
	process := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the program to measure, or this one
	process.Dir, process.Stdout, process.Stderr = tree, shown, shown
	process.Cancel = func() error { return process.Process.Signal(os.Interrupt) }
	syscall.Sync() // nobody pays for what was written before
	began := time.Now()
	err = process.Run()
	took := time.Since(began)
	if err == nil && side == stagegate {
		err = w.check(tree, output)
	}
	if err != nil {
		text, _ := os.ReadFile(output)
		return 0, fmt.Errorf("%w\n%s", err, text[max(0, len(text)-2000):])
	}
	return took, nil
}
