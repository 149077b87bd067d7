package schema

import (
	"cmp"
	"fmt"
	"regexp"
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
	`write`, `text`, `fail`, `skip`, `wait`, `rollback`, `"*"`, `"**"`, `"!x"`, `"!"`, `"["`, `out/`, `.`, `./a`, `../a`, `/a`, `a/../b`, `"~/a"`, `"C:\\a"`, `"a..b"`, `"a\nb"`,
	`host`, `"/a:/b"`, `"/a:/b:ro"`, `[/a:/b]`, `/dev/kvm`, `[SYS_PTRACE]`, `CAP_X`, `"${{ source.commit }}"`, `"a ${{ source.branch }}"`, `"$${{"`, `opened`, `checks_requested`, `variables.REGION`,
	`[]`, `[x]`, `[x, x]`, `[x, y]`, `[1]`, `[true]`, `[~]`, `[[]]`, `[{}]`, `[compile]`, `[source, shop]`, `[push, pull_request]`,
	`["1.25", 1.26]`, `["!x"]`, `["**", "!x"]`, `[A, B]`, `[1d, 2d]`, `[5432, 80/udp]`, `[opened, closed]`,
	`{}`, `{ x: y }`, `{ x: 1 }`, `{ x: }`, `{ x: [] }`, `{ x: [a, 1] }`, `{ x: {} }`, `{ A: b }`, `{ CI: x }`, `{ STAGEGATE_X: y }`,
	`{ A-B: x }`, `{ x: a/b, y: . }`, `{ x: ../a }`, `{ x: { image: alpine } }`, `{ "1": x }`, `{ x: { default: y } }`,
	`[{ name: z, image: alpine, run: ls }]`, `[{ name: z, approval: }]`, `[{ name: z, actions: [{ name: b, approval: {} }] }]`,
	`[{ window: { days: mon } }]`, `[{ tests-pass: { stage: build } }]`, `[{ cron: "0 3 * * *" }]`, `[{ users: x }]`,
	`{ branches: main }`, `{ types: destroyed }`, `{ name: other }`, `{ junit: x }`, `{ times: 2 }`, `{ clone: 3 }`, `{ rollback: true }`,
	`https://shop.example.com`, `{ name: production, url: "https://shop.example.com" }`, `{ days: mon }`, `{ stage: build }`, `{ image: alpine, run: ls }`, `{ name: variables.REGION, value: }`, `{ teams: a }`,
}

// TestAgreement writes each value behind each key. What the parser accepts, the
// JSON Schema must accept: an editor that marks what is right is worse than
// none. And a mistake of shape that the parser finds, the JSON Schema must find.
func TestAgreement(t *testing.T) {
	c, id := compiler(t)
	s := compiled(t, c, id, "")
	for _, w := range everywhere {
		mapping := cmp.Or(definitions[w], "pipeline")
		t.Run(mapping, func(t *testing.T) {
			t.Parallel()
			for _, key := range keysOf(w) {
				right := false
				for _, value := range values {
					if agree(t, s, mapping, key+": "+value) {
						right = true
					}
				}
				if !right {
					t.Errorf("no value is right for %s: add one to values", key)
				}
			}
		})
	}
}

// agree tells whether the parser accepts a line, and reports a JSON Schema that
// sees it otherwise.
func agree(t *testing.T, s *jsonschema.Schema, mapping, line string) bool {
	t.Helper()
	text, err := around(line, mapping)
	if err != nil {
		t.Fatal(err)
	}
	_, diagnostics := Parse("x.yaml", []byte(text))
	right, shape := true, ""
	for _, d := range wrong(diagnostics) {
		right = false
		if misshape.MatchString(d.Message) && !rewritten.MatchString(line) {
			shape = d.Message
		}
	}
	if !right && shape == "" {
		return false
	}
	value, err := editorValue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	switch err := s.Validate(value); {
	case right && err != nil && !booleanName(err):
		t.Errorf("the parser accepts %s in %s, and the JSON Schema does not: %v", line, mapping, err)
	case shape != "" && err == nil:
		t.Errorf("the JSON Schema accepts %s in %s, and the parser does not: %s", line, mapping, shape)
	}
	return right
}

var (
	// misshape is what the parser says of mistakes that are no matter of names.
	misshape = regexp.MustCompile(`must be .*, not (a text|a list|a mapping)$|has no key|is empty$| needs |must be (a list|one of|true or|a whole)|is not a name`)
	// rewritten are values that YAML's own types make others of.
	rewritten = regexp.MustCompile(`: (True|007|1e3|0x10)$`)
)

// booleanName tells whether what a JSON Schema refuses is a name written true or
// false, which is a text to us and nothing that editors should offer.
func booleanName(err error) bool {
	text := fmt.Sprint(err)
	return strings.Contains(text, "got boolean, want string") || strings.Contains(text, "got boolean, want number or string")
}

// FuzzAgreement asks of any file what TestAgreement asks of lines.
func FuzzAgreement(f *testing.F) {
	for _, file := range slices.Concat(testdata(f), examples(f)) {
		f.Add(read(f, file))
	}
	c, id := compiler(f)
	s := compiled(f, c, id, "")
	f.Fuzz(func(t *testing.T, data []byte) {
		_, diagnostics := Parse("x.yaml", data)
		if len(wrong(diagnostics)) > 0 {
			return
		}
		value, err := editorValue(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(value); err != nil && !booleanName(err) {
			t.Errorf("the parser accepts it, and the JSON Schema does not: %v", err)
		}
	})
}
