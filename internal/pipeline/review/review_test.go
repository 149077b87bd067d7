package review_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/review"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

const release = `
on: { push: { branches: [main] } }
variables: { REGION: eu }
stages:
  - name: test
    actions: [{ name: unit, image: go, run: go test }]
  - name: production
    environment: production
    before-entry: [{ window: { days: mon-thu } }]
    actions:
      - { name: sign-off, approval: { users: [carol, dave], count: 2 } }
      - { name: roll-out, needs: [sign-off], image: i, run: r, secrets: [KEY] }
`

func files(t *testing.T, texts ...string) review.Files {
	t.Helper()
	f := review.Files{Repository: "octo/shop", DefaultBranch: "main"}
	for _, text := range texts {
		name, rest, ok := strings.Cut(text, "|")
		if !ok {
			name, rest = "release", text
		}
		d, diagnostics := schema.Parse(".github/pipelines/"+name+".yaml", []byte(rest))
		f.Pipelines = append(f.Pipelines, review.Pipeline{Definition: d, Mistakes: len(diagnostics)})
	}
	return f
}

// said is a plan as lines, those that weaken a gate with ! in front.
func said(sections []review.Section) string {
	var b strings.Builder
	for _, s := range sections {
		b.WriteString("# " + s.Title + "\n")
		for _, c := range s.Changes {
			if c.Weakens {
				b.WriteString("! ")
			}
			b.WriteString(c.Text + "\n")
		}
	}
	return b.String()
}

// TestEdits makes one edit at a time and asks for what is said of it, and whether that
// weakens a gate.
func TestEdits(t *testing.T) {
	for _, tc := range []struct{ old, new, want string }{
		{"count: 2", "count: 1", "! `production` asked for the approval `sign-off` by `2 of carol, dave` and asks `carol, dave`."},
		{"count: 2", "count: 3, teams: [leads]", "! `production` asked for the approval `sign-off` by `2 of carol, dave` and asks `3 of carol, dave, octo/leads`."},
		{"[carol, dave], count: 2", "[carol]", "! `production` asked"},
		{"users: [carol, dave], count: 2", "users: [carol, dave], count: 2, permission: admin", "\n`production` asked for the approval `sign-off` by `2 of carol, dave` and asks `2 of carol, dave with admin access`."},
		{"users: [carol, dave], count: 2", "users: [mallory], count: 2", "! `production` asked"},
		{"users: [carol, dave], count: 2", "count: 2", "and asks `2 of anyone with write access`."},
		{"count: 2", "count: 2, self-review: true", "! `production` now lets authors of the change give the approval `sign-off`."},
		{"count: 2", "count: 2, expires: 30d", "! `production` kept the approval `sign-off` open for 168h and keeps it for 720h."},
		{"count: 2", "count: 2, expires: 90m", "\n`production` kept the approval `sign-off` open for 168h and keeps it for 1h30m."},
		{"count: 2", "count: 2, reject-count: 2", "! `production` ended the approval `sign-off` by 1 rejections and ends it by 2."},
		{"      - { name: sign-off, approval: { users: [carol, dave], count: 2 } }\n      - { name: roll-out, needs: [sign-off],", "      - { name: roll-out,", "! `production` no longer has the approval `sign-off`."},
		{"needs: [sign-off], ", "", "! `production` lets `roll-out` run without the approval `sign-off`."},
		{"secrets: [KEY]", "secrets: [KEY, ROOT]", "! `production` gives `ROOT` to `roll-out`."},
		{", secrets: [KEY]", "", "\n`production` no longer gives `KEY` to `roll-out`."},
		{"    environment: production\n", "", "! `production` no longer says that it changes the environment `production`"},
		{"environment: production", "environment: staging", "! `production` changed the environment `production` and changes `staging`."},
		{"    before-entry: [{ window: { days: mon-thu } }]\n", "", "! `production` no longer needs `window"},
		{"days: mon-thu", "days: mon-fri", "! `production` no longer needs `window"},
		{"  - name: test\n", "  - name: test\n    if: source.branch == 'x'\n", "! `test` ran only if all before it succeeded and runs only if `source.branch == 'x'`."},
		{"  - name: test\n    actions: [{ name: unit, image: go, run: go test }]\n", "", "! The stage `test` is removed."},
		{"run: go test", "run: go test, continue-on-error: true", "! `test` succeeds even where `unit` fails."},
		{"run: go test", "run: echo fine", "\n`test` runs another script in `unit`, or with other variables."},
		{"branches: [main]", "branches: [main, next]", "\nIt now starts on `push branches [main, next]`."},
		{"REGION: eu", "REGION: us", "\nVariables now are `REGION: us`."},
		{"on:", "mode: parallel\non:", "! Its mode was `superseded` and is `parallel`."},
		{"on:", "name: other\non:", "\nIts name was `release`"},
		{"stages:", "stagse:", "\nIt cannot be read; mistakes that its check shows: 1."},
		{
			"stages:\n", "stages:\n  - name: early\n    environment: production\n    actions: [{ name: x, image: i, run: r, secrets: [KEY] }]\n",
			"! `early` gives `KEY` to `x`.\n! `early` lets `x` change `production` without an approval.\n",
		},
	} {
		after := strings.Replace(release, tc.old, tc.new, 1)
		got := said(review.Compare(files(t, release), files(t, after)))
		if after == release || !strings.Contains(got, tc.want) {
			t.Errorf("%s -> %s:\n%swant %s", tc.old, tc.new, got, tc.want)
		}
	}
}

func TestFilesComeAndGo(t *testing.T) {
	if got := review.Compare(files(t, release), files(t, release)); len(got) > 0 {
		t.Errorf("nothing has changed: %s", said(got))
	}
	got := said(review.Compare(files(t, release), files(t)))
	if want := "# `release` (`.github/pipelines/release.yaml`), removed\n! It is removed, with `test` and `production`.\n"; got != want {
		t.Errorf("removed: %s", got)
	}
	got = said(review.Compare(files(t), files(t, release)))
	for _, want := range []string{", new\n! `production` gives `KEY` to `roll-out`.\n", "It starts on `push branches [main]`.", "`production` asks for the approval `sign-off` by `2 of carol, dave`."} {
		if !strings.Contains(got, want) {
			t.Errorf("new: %s", got)
		}
	}
	got = said(review.Compare(files(t, "a|name: release\n"+release), files(t, "b|name: release\n"+release)))
	if !strings.Contains(got, "Its file was `.github/pipelines/a.yaml`.") || strings.Contains(got, "removed") {
		t.Errorf("moved: %s", got)
	}
}

func TestEnvironments(t *testing.T) {
	for _, tc := range []struct {
		was, is []pipeline.Environment
		want    string
	}{
		{nil, []pipeline.Environment{{Name: "live", Branches: []string{"**"}}}, "! `live` was trusted as one that `runs on main`, and `runs on **`."},
		{nil, []pipeline.Environment{{Name: "live", Branches: []string{"main"}, PullRequests: true}}, "! `live`"},
		{[]pipeline.Environment{{Name: "live", Tags: []string{"v*"}}}, nil, "! `live` was trusted as one that `runs on tags v*`, and `runs on main`."},
		{[]pipeline.Environment{{Name: "live", Branches: []string{"main", "next"}}}, nil, "\n`live` was"},
		{[]pipeline.Environment{{Name: "live", Branches: []string{"**", "!old"}}}, []pipeline.Environment{{Name: "live", Branches: []string{"**"}}}, "! `live`"},
	} {
		before, after := files(t), files(t)
		before.Environments, after.Environments = tc.was, tc.is
		if got := said(review.Compare(before, after)); !strings.Contains(got, tc.want) {
			t.Errorf("%v -> %v: %s", tc.was, tc.is, got)
		}
	}
	broken := files(t)
	broken.Problem = "x:1:1: no"
	if got := said(review.Compare(files(t), broken)); !strings.Contains(got, "no environment would trust anything: `x:1:1: no`") {
		t.Error(got)
	}
}

// FuzzCode asks that nothing gets out of code: no Markdown, no mention, no character
// that is not seen.
func FuzzCode(f *testing.F) {
	f.Add("`@everyone` <img src=x>\n# \u202egnp.exe")
	f.Fuzz(func(t *testing.T, text string) {
		got := review.Code(text)
		if got == "an empty text" {
			return
		}
		inner := strings.TrimSuffix(strings.TrimPrefix(got, "`"), "`")
		if len(inner) != len(got)-2 || strings.Contains(inner, "`") || utf8.RuneCountInString(got) > 123 {
			t.Errorf("%q", got)
		}
		for _, r := range inner {
			if !unicode.IsPrint(r) && r != unicode.ReplacementChar {
				t.Errorf("%q has %U", got, r)
			}
		}
	})
}
