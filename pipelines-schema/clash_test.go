package schema

import (
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestClash(t *testing.T) {
	for later, want := range map[string]string{
		"release":     `b.yaml:1:1: the pipeline "release" is also defined in a.yaml (give one of them another name)`,
		"Release":     `b.yaml:1:1: the pipeline "Release" is also defined, as "release", in a.yaml (give one of them another name)`,
		"re-lease":    "",
		"release-two": "",
	} {
		d, ok := Clash(pipeline.Definition{Name: "release", File: "a.yaml"}, pipeline.Definition{Name: later, File: "b.yaml"})
		if ok != (want != "") || ok && d.String() != want {
			t.Errorf("%s: %v, %v, want %q", later, d, ok, want)
		}
	}
	if _, ok := Clash(pipeline.Definition{Name: "my-app"}, pipeline.Definition{Name: "my_app"}); !ok {
		t.Error("my-app and my_app are taken for two names")
	}
}
