package schema

import (
	"slices"
	"testing"
)

func TestSecrets(t *testing.T) {
	text := []byte(one + "secrets: [TOKEN, KEY]")
	if _, diagnostics := Parse("x.yaml", text); brief(diagnostics) != "8:5 secrets is not supported yet" {
		t.Errorf("without the feature: %v", diagnostics)
	}
	d, diagnostics := Parse("x.yaml", text, Secrets)
	if len(diagnostics) > 0 {
		t.Fatalf("with the feature: %v", diagnostics)
	}
	if got := d.Stages[0].Actions[0].Secrets; !slices.Equal(got, []string{"TOKEN", "KEY"}) {
		t.Errorf("secrets %q", got)
	}
}
