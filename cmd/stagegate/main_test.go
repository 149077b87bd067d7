package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMistyped asks that what a script misspells does not succeed.
func TestMistyped(t *testing.T) {
	for args, want := range map[string]string{
		"validat":           `there is no command "validat": did you mean validate?`,
		"nonsense":          `there is no command "nonsense": see stagegate --help`,
		"plan a b":          "too many arguments: a b: see stagegate plan --help",
		"version x":         "too many arguments: x: see stagegate version --help",
		"run --nope":        "unknown flag: --nope: see stagegate run --help",
		"plan --var":        "flag needs an argument: --var: see stagegate plan --help",
		"plan --var REGION": "--var REGION: write NAME=VALUE",
	} {
		got := call(t, t.TempDir(), "", strings.Fields(args)...)
		if diff := cmp.Diff(said{exitUsage, "", "stagegate: " + want + "\n"}, got, cmp.AllowUnexported(said{})); diff != "" {
			t.Errorf("stagegate %s (-want +got)\n%s", args, diff)
		}
	}
}

// TestHelp asks that every command says what it does and shows its flags.
func TestHelp(t *testing.T) {
	for _, c := range root().Commands() {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: %q", c.Name(), c.Short)
		}
	}
	for args, want := range map[string]string{"": "On your machine:", "--help": "validate", "run --help": "--stage STAGE", "--version": "dev"} {
		if got := call(t, t.TempDir(), "", strings.Fields(args)...); got.code != 0 || !strings.Contains(got.out, want) || got.err != "" {
			t.Errorf("stagegate %s: exit code %d\n%s%s", args, got.code, got.out, got.err)
		}
	}
}

func TestCompletion(t *testing.T) {
	dir := tree(t, planned)
	for args, want := range map[string]string{
		"run ":                     "night\t.github/pipelines/nightly.yml release\t.github/pipelines/release.yaml review\t.github/pipelines/review.yaml :4",
		"plan ":                    "night\t.github/pipelines/nightly.yml release\t.github/pipelines/release.yaml review\t.github/pipelines/review.yaml :4",
		"plan ./":                  "yaml yml :8",
		"run release ":             ":4",
		"run release --stage ":     "build production :4",
		"run night --action ":      "s.a :4",
		"plan --var ":              "GO= REGION= :6",
		"plan --event ":            "push pull_request merge_group schedule pipeline webhook :4",
		"validate ":                "yaml yml :8",
		"validate x.yaml ":         "yaml yml :8",
		"validate --format ":       "text json sarif github :4",
		"run nightly.yml --stage ": "s :4",
	} {
		got := call(t, dir, "", append([]string{"__complete"}, strings.Split(args, " ")...)...)
		if text := strings.Join(strings.Split(strings.TrimSpace(got.out), "\n"), " "); text != want {
			t.Errorf("%s: %q, want %q", args, text, want)
		}
	}
	if got := call(t, t.TempDir(), "", "__complete", "run", ""); got.out != ":4\n" {
		t.Errorf("without pipelines: %q", got.out)
	}
}
