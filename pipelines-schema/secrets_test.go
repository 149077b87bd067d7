package schema

import (
	"slices"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestSecrets(t *testing.T) {
	for text, want := range map[string][]pipeline.SecretUse{
		"[TOKEN, KEY]":                        {{Name: "TOKEN"}, {Name: "KEY"}},
		"TOKEN":                               {{Name: "TOKEN"}},
		"[TOKEN, KUBECONFIG: file]":           {{Name: "TOKEN"}, {Name: "KUBECONFIG", File: true}},
		"\n    - KUBECONFIG: file\n    - KEY": {{Name: "KUBECONFIG", File: true}, {Name: "KEY"}},
	} {
		d, diagnostics := Parse("x.yaml", []byte(one+"secrets: "+text))
		if len(diagnostics) > 0 {
			t.Errorf("%s: %v", text, diagnostics)
			continue
		}
		if got := d.Stages[0].Actions[0].Secrets; !slices.Equal(got, want) {
			t.Errorf("%s: secrets %v, want %v", text, got, want)
		}
	}
}
