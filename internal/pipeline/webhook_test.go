package pipeline_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestWebhookAdmits(t *testing.T) {
	const body = `{"action": "released", "draft": false, "n": 12.50, "big": 1e400, "none": null, "list": ["x"],
		"release": {"tag_name": "v1", "a-b": "c", "author": {"login": "octo"}}, "${{ payload.action }}": "${{ payload.n }}"}`
	for filter, want := range map[string]bool{
		"":                                  true,
		"payload.action == 'released'":      true,
		"payload.action == 'Released'":      false,
		"${{ payload.action }}":             true,
		"payload.draft == 'false'":          true,
		"payload.draft == false":            true,
		"payload.n == '12.50'":              true,
		"payload.n > 12":                    true,
		"payload.big == '1e400'":            true,
		"payload.release.author.login":      true,
		"payload.release.a-b == 'c'":        true,
		"payload.release == ''":             true,
		"payload.list == ''":                true,
		"payload.none == ''":                true,
		"payload.nope.deeper.still == ''":   true,
		"payload.action.deeper == ''":       true,
		"payload.nope":                      false,
		"startsWith(payload.action, 'rel')": true,
		"payload.action == 'released' && payload.release.tag_name != 'v1'": false,
	} {
		got, err := pipeline.Webhook{Filter: filter}.Admits([]byte(body))
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", filter, got, err)
		}
	}
}

func TestWebhookRefuses(t *testing.T) {
	for _, body := range []string{"", "x", "{", "{} {}", "{}x", strings.Repeat("[", 20_000)} {
		if admits, err := (pipeline.Webhook{Filter: "payload.a == ''"}).Admits([]byte(body)); admits || !errors.Is(err, pipeline.ErrNotJSON) {
			t.Errorf("%.20q: %v, %v", body, admits, err)
		}
	}
	for _, filter := range []string{"payload.draft", "source.branch == ''", "payload.a <", "payload.s > 1", "changed('x')"} {
		if admits, err := (pipeline.Webhook{Filter: filter}).Admits([]byte(`{"draft": "false", "s": "x"}`)); admits || err == nil {
			t.Errorf("%s: %v, %v", filter, admits, err)
		}
	}
	if admits, err := (pipeline.Webhook{}).Admits([]byte("not JSON")); !admits || err != nil {
		t.Errorf("without a filter: %v, %v", admits, err)
	}
}

func TestMatchWebhook(t *testing.T) {
	x := event(pipeline.OnWebhook, push("main"))
	for name, tc := range map[string]struct{ got, want pipeline.Match }{
		"every request":   {pipeline.Triggers{Webhook: &pipeline.Webhook{}}.Match(x), starts("webhook is for every signed request")},
		"a filter":        {pipeline.Triggers{Webhook: &pipeline.Webhook{Filter: "payload.a == 'b'"}}.Match(x), starts("webhook, if payload.a == 'b'")},
		"none":            {pipeline.Triggers{Push: &pipeline.Filter{}}.Match(x), never("on has no webhook")},
		"nobody can tell": {pipeline.Triggers{}.Match(x), starts("nobody can tell what on means")},
	} {
		if d := cmp.Diff(tc.want, tc.got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

// FuzzWebhookAdmits asks that no body makes a filter fail that compares texts, and
// that nothing but JSON gets through.
func FuzzWebhookAdmits(f *testing.F) {
	for _, body := range []string{`{"a":{"b":"released"}}`, `{"a":[{"b":"released"}]}`, `{"a":{"b":1e9}}`, `[]`, `null`, `{"a":{"b":"released","b":"x"}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		admits, err := pipeline.Webhook{Filter: "payload.a.b == 'released'"}.Admits(body)
		if err != nil && !errors.Is(err, pipeline.ErrNotJSON) {
			t.Errorf("%q: %v", body, err)
		}
		if admits && (err != nil || !json.Valid(body)) {
			t.Errorf("%q gets through: %v", body, err)
		}
	})
}
