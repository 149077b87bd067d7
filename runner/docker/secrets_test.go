package docker_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// What real programs make of a secret is hidden, whatever stands before it and
// wherever they wrap lines.
func TestSecretsInWhatProgramsPrint(t *testing.T) {
	b := newBench(t)
	var secret strings.Builder
	for i := range 40 {
		fmt.Fprintf(&secret, "word-%d!", i)
	}
	b.files.secrets = []pipeline.Value{{Name: "TOKEN", Value: secret.String()}}
	j := b.job(`
for before in "" u us use user user:; do
	printf '%s%s\n' "$before" "$TOKEN" | base64
	printf '%s%s\n' "$before" "$TOKEN" | base64 -w 40 | sed 's/^/  /'
	printf '%s%s' "$before" "$TOKEN" | base64 -w 0 | tr '+/' '-_' | tee -a "$STAGEGATE_SUMMARY"
	printf '%s%s' "$before" "$TOKEN" | xxd -p >&2
	printf '%s%s' "$before" "$TOKEN" | hexdump -v -e '/1 "%02X"'
	echo; echo; echo
done
printf 'token=%s\n' "$(printf '%s' "$TOKEN" | base64 -w 0)" >> "$STAGEGATE_OUTPUT"
echo "::error title=$(printf '%s' "$TOKEN" | base64 -w 0)::$TOKEN"
set -x
: "$TOKEN"`)
	j.Secrets = []pipeline.SecretUse{{Name: "TOKEN"}}
	res := b.do(j)
	if res.Status != pipeline.Succeeded {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
	if len(res.Outputs) != 0 || len(res.Annotations) != 1 || res.Annotations[0].Title != "***==" || res.Annotations[0].Message != "***" {
		t.Errorf("%v %v", res.Outputs, res.Annotations)
	}
	all := strings.Join([]string{b.files.log(), res.Summary, res.LogTail}, "\n")
	for i := range secret.Len() - 9 {
		part := secret.String()[i : i+9]
		for _, text := range []string{part, base64.StdEncoding.EncodeToString([]byte(part)), fmt.Sprintf("%x", part), fmt.Sprintf("%X", part)} {
			if strings.Contains(all, text) {
				t.Fatalf("%s, a form of %s, stands in\n%s", text, part, all)
			}
		}
	}
	if got := b.files.lines(runner.Stdout); len(got) < 6*10 {
		t.Errorf("%q", got)
	}
}
