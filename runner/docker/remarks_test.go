package docker_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

func TestJobSpeaksAndKeepsItsSecrets(t *testing.T) { inBothModes(t, testJobSpeaksAndKeepsItsSecrets) }

// Nothing that leaves the job has a secret in it, whichever way it goes.
func testJobSpeaksAndKeepsItsSecrets(t *testing.T, b *bench) {
	const secret = "s3cr3t-of-ours"
	b.files.secrets = []pipeline.Value{{Name: "TOKEN", Value: secret}, {Name: "PIN", Value: "12"}}
	j := b.job(`echo "token $TOKEN"; printf '%s' "$TOKEN" | base64; printf 's3cr'; printf '3t-of-ours\n' >&1
echo "::error file=README.md,line=1,title=with $TOKEN::text with $TOKEN"
echo "::add-mask::made here"; echo "made here"
echo "token=$TOKEN" >> "$STAGEGATE_OUTPUT"; echo "made=made here" >> "$STAGEGATE_OUTPUT"; echo "version=1" >> "$STAGEGATE_OUTPUT"
printf '# All well\n%s, made here\n' "$TOKEN" > "$STAGEGATE_SUMMARY"
echo "::warning::bye"; exit 3`)
	j.Secrets = []pipeline.SecretUse{{Name: "TOKEN"}, {Name: "PIN"}}
	res := b.do(j)
	if res.Status != pipeline.Failed || res.Summary != "# All well\n***, ***\n" {
		t.Errorf("%s (%s), summary %q", res.Status, res.Reason, res.Summary)
	}
	want := []pipeline.Annotation{
		{Level: "error", File: "README.md", Line: 1, Title: "with ***", Message: "text with ***"},
		{Level: "warning", Message: "bye"},
	}
	if diff := cmp.Diff(want, res.Annotations); diff != "" {
		t.Error(diff)
	}
	if log := b.files.log(); strings.Contains(log, secret) || !strings.Contains(log, " o ***\n") || strings.Contains(log, "made here") {
		t.Error(log)
	}
	if diff := cmp.Diff([]string{"secret PIN is shorter than 4 bytes and is not masked", "failed: exit code 3"}, b.files.lines(runner.Stagegate)); diff != "" {
		t.Error(diff)
	}

	j = b.job(strings.TrimSuffix(j.Run, "exit 3") + "rm $STAGEGATE_SUMMARY; mkfifo $STAGEGATE_SUMMARY")
	j.Secrets, b.files.secrets = []pipeline.SecretUse{{Name: "TOKEN"}}, b.files.secrets[:1]
	if res = b.do(j); res.Status != pipeline.Succeeded || res.Summary != "" {
		t.Errorf("%s (%s), summary %q", res.Status, res.Reason, res.Summary)
	}
	if diff := cmp.Diff([]pipeline.Value{{Name: "version", Value: "1"}}, res.Outputs); diff != "" {
		t.Error(diff)
	}
	said := []string{
		"$STAGEGATE_SUMMARY is no regular file any more and is left out",
		"output token is left out: it holds a secret", "output made is left out: it holds a secret",
	}
	if diff := cmp.Diff(said, b.files.lines(runner.Stagegate)); diff != "" {
		t.Error(diff)
	}
}

// A value that says which file it is written to may hold a secret too, and a
// script's words in a reason as well.
func TestReasonHidesSecrets(t *testing.T) {
	b := newBench(t)
	b.files.secrets = []pipeline.Value{{Name: "TOKEN", Value: "s3cr3t-of-ours"}}
	j := b.job(`echo "x<<$TOKEN" >> "$STAGEGATE_OUTPUT"`)
	j.Secrets = []pipeline.SecretUse{{Name: "TOKEN"}}
	if res := b.do(j); res.Reason != "$STAGEGATE_OUTPUT: line 1: *** is never closed" || strings.Contains(b.files.log(), "s3cr3t") {
		t.Errorf("%s\n%s", res.Reason, b.files.log())
	}
}
