package schema

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// values are what an author may write behind a key, rightly or wrongly.
var values = []string{
	``, `""`, `" "`, `~`, `"~"`, `x`, `"x y"`, `x-1`, `X_1`, `1x`, `shop`, `source`, `compile`, `build`, `main`, `octocat`,
	`0`, `1`, `"1"`, `2`, `10`, `11`, `007`, `-1`, `1.20`, `"1.20"`, `0.01`, `1440`, `1441`, `1e3`, `0x10`, `.5`, `.inf`, `65536`,
	`true`, `false`, `"true"`, `True`, `yes`, `on`, `null`, `"null"`, `full`, `recursive`, `push`, `schedule`, `queued`,
	`1s`, `0d`, `7d`, `60d`, `61d`, `007h`, `1.5h`, `95%`, `100.0%`, `101%`, `mon-fri`, `"09:00-16:00"`, `2026-12-25`,
	`UTC`, `Europe/Paris`, `Etc/GMT+1`, `"0 3 * * *"`, `" 0  3 * * MON "`, `"* * * *"`, `5432`, `5432/tcp`, `failed-actions`, `"=="`,
	`write`, `"*"`, `"**"`, `"!x"`, `"!"`, `"["`, `out/`, `.`, `./a`, `../a`, `/a`, `a/../b`, `"~/a"`, `"C:\\a"`, `"a..b"`, `"a\nb"`,
	`"${{ source.commit }}"`, `"a ${{ source.branch }}"`, `"$${{"`, `opened`, `checks_requested`, `variables.REGION`,
	`[]`, `[x]`, `[x, x]`, `[x, y]`, `[1]`, `[true]`, `[~]`, `[[]]`, `[{}]`, `[compile]`, `[source, shop]`, `[push, pull_request]`,
	`["1.25", 1.26]`, `["!x"]`, `["**", "!x"]`, `[A, B]`, `[1d, 2d]`, `[5432, 80/udp]`, `[opened, closed]`,
	`{}`, `{ x: y }`, `{ x: 1 }`, `{ x: }`, `{ x: [] }`, `{ x: [a, 1] }`, `{ x: {} }`, `{ A: b }`, `{ CI: x }`, `{ STAGEGATE_X: y }`,
	`{ A-B: x }`, `{ x: a/b, y: . }`, `{ x: ../a }`, `{ x: { image: alpine } }`, `{ "1": x }`, `{ x: { default: y } }`,
	`[{ name: z, image: alpine, run: ls }]`, `[{ name: z, approval: }]`, `[{ name: z, actions: [{ name: b, approval: {} }] }]`,
	`[{ window: { days: mon } }]`, `[{ tests-pass: { stage: build } }]`, `[{ cron: "0 3 * * *" }]`, `[{ users: x }]`,
	`{ branches: main }`, `{ types: destroyed }`, `{ name: other }`, `{ junit: x }`, `{ times: 2 }`, `{ clone: 3 }`, `{ rollback: true }`,
	`{ days: mon }`, `{ stage: build }`, `{ image: alpine, run: ls }`, `{ name: variables.REGION, value: }`, `{ teams: a }`,
}

// TestAgreement writes each value behind each key. What the parser accepts, the
// JSON Schema must accept: an editor that marks what is right is worse than
// none. The reverse does not hold, since the schema knows shapes only.
func TestAgreement(t *testing.T) {
	c, id := compiler(t)
	s := compiled(t, c, id, "")
	for _, w := range everywhere {
		mapping := definitions[w]
		if w == inPipeline {
			mapping = "pipeline"
		}
		for _, key := range keysOf(w) {
			right := 0
			for _, value := range values {
				if agree(t, s, mapping, key+": "+value) {
					right++
				}
			}
			if right == 0 {
				t.Errorf("no value is right for %s of %s: add one to values", key, w)
			}
		}
	}
}

// agree tells whether the parser accepts a line, and reports a JSON Schema that
// does not.
func agree(t *testing.T, s *jsonschema.Schema, mapping, line string) bool {
	t.Helper()
	text, err := around(line, mapping)
	if err != nil {
		t.Fatal(err)
	}
	_, diagnostics := Parse("x.yaml", []byte(text), Secrets)
	if slices.ContainsFunc(diagnostics, func(d Diagnostic) bool { return !isLater(d) }) {
		return false
	}
	value, err := editorValue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(value); err != nil && !booleanName(err) {
		t.Errorf("the parser accepts %s in %s, and the JSON Schema does not: %v", line, mapping, err)
	}
	return true
}

// booleanName tells whether what a JSON Schema refuses is a name written true or
// false, which is a text to us and nothing that editors should offer.
func booleanName(err error) bool {
	text := fmt.Sprint(err)
	return strings.Contains(text, "got boolean, want string") || strings.Contains(text, "got boolean, want number or string")
}
