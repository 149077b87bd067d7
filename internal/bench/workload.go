package main

import (
	"fmt"
	"strings"
)

// workload is the same work for both sides.
type workload struct {
	name, what string
	stages     [][]action // the actions of a stage run at once
	limit      float64    // of the ratio to raw
	shared     bool       // an artifact goes from the first action to the last
}

// action is one container.
type action struct {
	name   string
	script string
	lines  int // of output, which must all be stored
}

const (
	// logLines of a hundred bytes each are W4.
	logLines = 200_000
	// fileSize of the file of W5.
	fileSize = 200_000_000
	// fileName is what W5 calls it, for both actions.
	fileName = "file"
)

// lineText is line i of W4, counted from 1. No two are the same, so that one
// which is lost, or at another place, shows.
func lineText(i int) string { return fmt.Sprintf("%099d", i) }

var workloads = []workload{
	{name: "W1", what: "one action, `true`", stages: inRow(1), limit: 1.15},
	{name: "W2", what: "ten of them in a row", stages: inRow(10), limit: 1},
	{name: "W3", what: "three stages of four at once", stages: [][]action{four(), four(), four()}, limit: 1},
	{name: "W4", what: "200,000 lines of log (20 MB)", limit: 1.3, stages: [][]action{{{
		name:   "print",
		script: fmt.Sprintf(`awk 'BEGIN { for (i = 1; i <= %d; i++) printf "%%099d\n", i }'`, logLines),
		lines:  logLines,
	}}}},
	{name: "W5", what: "a file of 200 MB, made by one action and hashed by the next", limit: 1.1, shared: true, stages: [][]action{
		{{name: "make", script: fmt.Sprintf("head -c %d /dev/urandom > %s", fileSize, fileName)}},
		{{name: "hash", script: "sha256sum " + fileName, lines: 1}},
	}},
}

func inRow(n int) [][]action {
	var all [][]action
	for i := range n {
		all = append(all, []action{{name: fmt.Sprintf("step-%d", i+1), script: "true"}})
	}
	return all
}

func four() []action {
	var all []action
	for i := range 4 {
		all = append(all, action{name: fmt.Sprintf("part-%d", i+1), script: "true"})
	}
	return all
}

func find(name string) (workload, error) {
	var known []string
	for _, w := range workloads {
		if w.name == name {
			return w, nil
		}
		known = append(known, w.name)
	}
	return workload{}, fmt.Errorf("there is no workload %q: there are %s", name, strings.Join(known, ", "))
}

// pipeline is the workload as a pipeline file: a stage for each step.
func (w workload) pipeline(image string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "on: push\nstages:\n")
	for i, stage := range w.stages {
		fmt.Fprintf(&b, "  - name: %s\n    actions:\n", stageName(i))
		for _, a := range stage {
			fmt.Fprintf(&b, "      - name: %s\n        image: %s\n        run: |\n          %s\n", a.name, image, a.script)
			switch {
			case !w.shared:
			case i == 0:
				b.WriteString("        artifacts: { handed: " + fileName + " }\n")
			default:
				b.WriteString("        inputs: [handed]\n")
			}
		}
	}
	return b.String()
}

func stageName(i int) string { return fmt.Sprintf("stage-%d", i+1) }
