package pipeline_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestPreview(t *testing.T) {
	push := pipeline.Execution{
		Trigger: pipeline.Push, Revision: pipeline.Revision{Ref: "refs/heads/main", Branch: "main"},
		Definition: pipeline.Definition{Variables: []pipeline.Variable{{Name: "REGION", Default: "eu"}, {Name: "NONE"}}},
	}
	request := push
	request.Trigger = pipeline.PullRequest
	tag := pipeline.Execution{Trigger: pipeline.Push, Revision: pipeline.Revision{Ref: "refs/tags/v1"}}
	for _, tc := range []struct {
		x          pipeline.Execution
		text, want string
	}{
		{push, "shop:${{ source.branch }}", "shop:main"},
		{push, "shop:${{ build.compile.version }}-${{ variables.REGION }}", "shop:${{ build.compile.version }}-eu"},
		{push, "${{ source.branch == 'main' || build.compile.version == '1' }}", "true"},
		{push, "${{ build.compile.version == '1' || true }}", "${{ build.compile.version == '1' || true }}"},
		{push, "${{source.commit}} ${{ execution.id }} ${{ execution.number }} ${{ execution.actor }}", "${{source.commit}} ${{ execution.id }} ${{ execution.number }} ${{ execution.actor }}"},
		{push, "<${{ source.tag }}>", "<>"},
		{tag, "${{ source.tag }}<${{ source.branch }}>", "v1<>"},
		{push, "${{ execution.trigger }}<${{ variables.NONE }}${{ source.pull_request }}>", "push<>"},
		{push, "${{ matrix.go }}-${{ matrix.go == '1.26' && source.branch }}", "1.26-main"},
		{push, "${{ hash('go.sum') }}-${{ source.branch }}-${{ changed('a') }}", "${{ hash('go.sum') }}-main-${{ changed('a') }}"},
		{push, "${{ source.fork || 'ours' }}", "ours"},
		{request, "${{ source.fork || 'ours' }}", "${{ source.fork || 'ours' }}"},
		{request, "${{ source.pull_request || 'none' }}", "${{ source.pull_request || 'none' }}"},
	} {
		matrix := []pipeline.Value{{Name: "os", Value: "linux"}, {Name: "go", Value: "1.26"}}
		a, err := tc.x.Preview(pipeline.Action{Matrix: matrix, Image: tc.text, Env: []pipeline.Value{{Name: "A", Value: tc.text}}})
		if err != nil || a.Image != tc.want || a.Env[0].Value != tc.want {
			t.Errorf("%s: %q, %q, %v; want %q", tc.text, a.Image, a.Env[0].Value, err, tc.want)
		}
	}
}

// TestPreviewRefuses foresees how an action will end.
func TestPreviewRefuses(t *testing.T) {
	x := pipeline.Execution{Revision: pipeline.Revision{Branch: "main"}}
	_, err := x.Preview(pipeline.Action{Image: "alpine", Env: []pipeline.Value{{Name: "A", Value: "${{ source.branch > 1 }}"}}})
	if err == nil || !strings.Contains(err.Error(), "resolve env A: > compares numbers") {
		t.Errorf("got %v", err)
	}
}
