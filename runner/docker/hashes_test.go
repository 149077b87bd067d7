package docker_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

func TestHashesOfFiles(t *testing.T) { inBothModes(t, testHashesOfFiles) }

func testHashesOfFiles(t *testing.T, b *bench) {
	made := b.job("mkdir -p all/a/b; cd all; echo one > go.sum; echo two > a/b/go.sum; echo three > other; ln -s a/b/go.sum link")
	made.Artifacts = []pipeline.Output{{Name: "tree", Path: "all"}}
	first := b.do(made)
	if first.Status != pipeline.Succeeded {
		t.Fatal(first.Reason, b.files.log())
	}
	j := b.job(`echo "$SUMS"; echo "$LINK"; echo "$BOTH"; echo "$NONE"; pwd`)
	j.ID.Action = "use"
	j.Inputs = []pipeline.Artifact{first.Artifacts[0], j.Inputs[0]}
	j.Hashed = []pipeline.Hashed{
		{Name: "SUMS", Parts: []pipeline.Part{{Hash: "**/go.sum"}}},
		{Name: "LINK", Parts: []pipeline.Part{{Hash: "link"}}},
		{Name: "BOTH", Parts: []pipeline.Part{{Text: "a-"}, {Hash: "other"}, {Text: "-${{ hash('other') }}-"}, {Hash: "{other,a}"}, {Text: "!"}}},
		{Name: "NONE", Parts: []pipeline.Part{{Text: "<"}, {Hash: "README.md"}, {Text: ">"}}},
	}
	if res := b.do(j); res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason, b.files.log())
	}
	other := pathsDigest("other", "three\n")
	want := []string{
		pathsDigest("a/b/go.sum", "two\n", "go.sum", "one\n"), pathsDigest("link", "a/b/go.sum"),
		"a-" + other + "-${{ hash('other') }}-" + other + "!", "<>", "/stagegate/inputs/tree",
	}
	if diff := cmp.Diff(want, b.files.lines(runner.Stdout)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// pathsDigest is the digest of paths, each with its content.
func pathsDigest(files ...string) string {
	all := sha256.New()
	for i := 0; i < len(files); i += 2 {
		content := sha256.Sum256([]byte(files[i+1]))
		all.Write(append([]byte(files[i]+"\x00"), content[:]...))
	}
	return hex.EncodeToString(all.Sum(nil))
}

func TestHashesOfAChangedInput(t *testing.T) {
	b := newBench(t)
	j := b.job("true")
	j.Inputs[0].Digest = strings.Repeat("0", 64)
	j.Hashed = []pipeline.Hashed{{Name: "ALL", Parts: []pipeline.Part{{Hash: "**"}}}}
	res := b.do(j)
	if res.Status != pipeline.Errored || !strings.Contains(res.Reason, "hash files of source: digest is") {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
}
