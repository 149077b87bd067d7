package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInit writes the workflow once, and never over what is there.
func TestInit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ".github/workflows/stagegate-approval.yml")
	if got := callWith(t, nil, "init", dir); got.code != 0 || !strings.HasPrefix(got.out, "Wrote "+path+": commit it to the default branch") {
		t.Errorf("%+v", got)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != string(approvalWorkflow) {
		t.Errorf("%q %v", text, err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := callWith(t, nil, "init", dir); got.code != 0 || !strings.Contains(got.out, "already: it is left as it is") {
		t.Errorf("%+v", got)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("%q %v", text, err)
	}
	if got := callWith(t, nil, "init", filepath.Join(dir, "none")); got.code != exitUsage || !strings.Contains(got.err, "no such file") {
		t.Errorf("%+v", got)
	}
	outside, linked := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(linked, ".github")); err != nil {
		t.Fatal(err)
	}
	if got := callWith(t, nil, "init", linked); got.code == 0 {
		t.Errorf("a link out of the tree is followed: %+v", got)
	}
}

// TestWorkflowInTheDocs asks that the template in the docs is what init writes.
func TestWorkflowInTheDocs(t *testing.T) {
	docs, err := os.ReadFile("../../docs/pipelines.md")
	if err != nil || !strings.Contains(string(docs), string(approvalWorkflow)) {
		t.Errorf("docs/pipelines.md does not have what init writes, %v", err)
	}
}
