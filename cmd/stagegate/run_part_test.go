package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunLocallyPart runs parts of a pipeline on what earlier runs made.
func TestRunLocallyPart(t *testing.T) {
	dir := workingTree(t, runnable)
	write := func(text string, name ...string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(append([]string{dir}, name...)...), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(code int, args string, want ...string) {
		t.Helper()
		got, text := runIn(t, dir, strings.Fields(args)...)
		for _, w := range want {
			if got != code || !strings.Contains(text, w) {
				t.Errorf("%s: exit code %d, want %d and %s\n%s", args, got, code, w, text)
			}
		}
		if strings.Contains(text, "sign-off") || strings.Contains(text, "build/compile ") && code == 0 && !strings.Contains(args, "build") {
			t.Errorf("%s shows what was not chosen\n%s", args, text)
		}
	}
	run(2, "--action roll-out",
		"production.roll-out needs artifact shop of build.compile, which has not succeeded here: run --action build.compile first",
		"production.roll-out needs outputs of build.compile, which has not succeeded here")
	run(0, "--stage build", "succeeded in")
	run(0, "--action production.roll-out", "| rolled out the shop, new\n",
		"build.compile is not run again: what it made on ", " is used\n")
	write("another shop", "untracked")
	run(0, "--action roll-out", "| rolled out the shop, new\n", "is used, though the source has changed since\n")
	write("not the shop", ".stagegate", "artifacts", "shop", "shop")
	run(2, "--action roll-out", "the artifact shop was changed in ", ": run --action build.compile first")
	run(0, "--action compile --stage build", "succeeded in")
	run(0, "--action roll-out", "| rolled out another shop, new\n")
	write(strings.Replace(runnable, "mkdir out", "exit 3", 1), ".github", "pipelines", "release.yaml")
	run(1, "--stage build", "> failed: exit code 3")
	run(2, "--action roll-out", "which has not succeeded here")
}
