package pipeline_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestSecretUseOfEarlierReleases reads an action as it was stored when a secret
// was no more than its name.
func TestSecretUseOfEarlierReleases(t *testing.T) {
	var a pipeline.Action
	if err := json.Unmarshal([]byte(`{"Name":"a","Secrets":["TOKEN","KEY"]}`), &a); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]pipeline.SecretUse{{Name: "TOKEN"}, {Name: "KEY"}}, a.Secrets); diff != "" {
		t.Errorf("names alone (-want +got)\n%s", diff)
	}
	want := pipeline.Action{Name: "a", Secrets: []pipeline.SecretUse{{Name: "TOKEN"}, {Name: "KUBECONFIG", File: true}}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got pipeline.Action
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stored and read (-want +got)\n%s", diff)
	}
}
