package docker_test

import (
	"context"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

func TestArtifactPassesThroughJobs(t *testing.T) { inBothModes(t, testArtifactPassesThroughJobs) }

func testArtifactPassesThroughJobs(t *testing.T, b *bench) {
	j := b.job(`mkdir -p out/bin out/empty; printf '#!/bin/sh\necho I run\n' > out/bin/shop; chmod 750 out/bin/shop
ln -s bin/shop out/link; ln out/bin/shop out/hard; echo one > single`)
	j.Artifacts = []pipeline.Output{{Name: "shop", Path: "out/"}, {Name: "file", Path: "./single"}, {Name: "all", Path: "."}}
	first := b.do(j)
	if first.Status != pipeline.Succeeded {
		t.Fatal(first.Reason, b.files.log())
	}
	if diff := cmp.Diff([]string{"bin/", "bin/shop", "empty/", "hard", "link"}, b.files.names(t, "shop")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"single"}, b.files.names(t, "file")); diff != "" {
		t.Error(diff)
	}

	// The second job gets what the first made, and makes the same again.
	j = b.job(`"$STAGEGATE_INPUT_SHOP/link"; echo changed >> "$STAGEGATE_INPUT_SOURCE/README.md"; test -d "$STAGEGATE_INPUT_SHOP/empty"
cp "$STAGEGATE_INPUT_FILE/single" "$STAGEGATE_INPUT_SHOP/.."; mv "$STAGEGATE_INPUT_SHOP" moved`)
	j.ID.Action = "use"
	j.Inputs = append(j.Inputs, first.Artifacts[0], first.Artifacts[1])
	j.Artifacts = []pipeline.Output{{Name: "again", Path: "moved"}}
	second := b.do(j)
	if second.Status != pipeline.Succeeded {
		t.Fatal(second.Reason, b.files.log())
	}
	if got := b.files.lines(runner.Stdout); len(got) != 1 || got[0] != "I run" {
		t.Errorf("stdout %q", got)
	}
	if a, z := first.Artifacts[0].Digest, second.Artifacts[0].Digest; a != z {
		t.Errorf("digest %s became %s", a, z)
	}
}

func TestHostileArtifact(t *testing.T) { inBothModes(t, testHostileArtifact) }

func testHostileArtifact(t *testing.T, b *bench) {
	j := b.job(`mkdir -p out/d; cd out; ln -s /etc/passwd absolute; ln -s ../../../../etc/passwd climbing; mkfifo pipe; echo ok > good
printf x > 'back\slash'; ln -s d dir; ln -s dir/../../.. twisted; chmod 4755 good`)
	j.Artifacts = []pipeline.Output{{Name: "shop", Path: "out"}}
	res := b.do(j)
	if res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason, b.files.log())
	}
	if diff := cmp.Diff([]string{"d/", "dir", "good"}, b.files.names(t, "shop")); diff != "" {
		t.Error(diff)
	}
	said := strings.Join(b.files.lines(runner.Stagegate), "\n")
	for _, want := range []string{
		`left out "absolute": absolute link`, `left out "climbing": link leads out of the artifact`,
		`left out "pipe": named pipe`, `backslash in the name`, `left out "twisted": link with ".." after a name`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("not said: %s\n%s", want, said)
		}
	}
}

func TestWhatCannotBeCollected(t *testing.T) {
	for name, c := range map[string]struct{ run, path, reason string }{
		"missing":         {"true", "out/", "artifact shop: nothing at out/"},
		"below a file":    {"true", "README.md/x", "artifact shop: nothing at README.md/x"},
		"link":            {"ln -s /etc/passwd out", "out", "artifact shop: out is neither a folder nor a regular file"},
		"pipe":            {"mkfifo out", "out", "artifact shop: out is neither a folder nor a regular file"},
		"out of the root": {"true", "../../../etc/passwd", "artifact shop: nothing at ../../../etc/passwd"},
		"bad output":      {`printf 'a=1\nnonsense\n' > $STAGEGATE_OUTPUT`, ".", "$STAGEGATE_OUTPUT: line 2 is not key=value"},
		"output link":     {`ln -sf /etc/passwd $STAGEGATE_OUTPUT`, ".", "$STAGEGATE_OUTPUT is no regular file any more"},
		"output pipe":     {`rm $STAGEGATE_OUTPUT; mkfifo $STAGEGATE_OUTPUT`, ".", "$STAGEGATE_OUTPUT is no regular file any more"},
		"large output":    {`head -c 200000 /dev/zero > $STAGEGATE_OUTPUT`, ".", "$STAGEGATE_OUTPUT has more than 120 KiB: hand large texts on as an artifact"},
		"large artifact":  {`truncate -s 2199023255552 big`, "big", "artifact shop: larger than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			inBothModes(t, func(t *testing.T, b *bench) {
				b.limits.Artifact = 1 << 20
				j := b.job(c.run)
				j.Artifacts = []pipeline.Output{{Name: "shop", Path: c.path}}
				res := b.do(j)
				if res.Status != pipeline.Failed || res.Reason != c.reason || len(res.Artifacts) > 0 {
					t.Errorf("%s: %s\n%s", res.Status, res.Reason, b.files.log())
				}
			})
		})
	}
}

func TestOutputsMayBeAbsent(t *testing.T) { inBothModes(t, testOutputsMayBeAbsent) }

func testOutputsMayBeAbsent(t *testing.T, b *bench) {
	if res := b.do(b.job(`rm $STAGEGATE_OUTPUT`)); res.Status != pipeline.Succeeded {
		t.Error(res.Reason)
	}
}

func TestChangedInputIsRefused(t *testing.T) { inBothModes(t, testChangedInputIsRefused) }

func testChangedInputIsRefused(t *testing.T, b *bench) {
	j := b.job("true")
	j.Inputs[0].Digest = strings.Repeat("0", 64)
	res := b.do(j)
	if res.Status != pipeline.Errored || !strings.Contains(res.Reason, "unpack artifact source: digest is") {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
}

// An image whose user is not root can write its workspace and its outputs.
func TestAnyUserMayWrite(t *testing.T) { inBothModes(t, testAnyUserMayWrite) }

func testAnyUserMayWrite(t *testing.T, b *bench) {
	ctx := context.Background()
	made, err := api.ContainerCreate(ctx, &container.Config{Image: busybox, Cmd: []string{"true"}}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = api.ContainerRemove(ctx, made.ID, container.RemoveOptions{Force: true}) }()
	name := "stagegate/" + strings.ToLower(b.id) + ":local"
	if _, err := api.ContainerCommit(ctx, made.ID, container.CommitOptions{Reference: name, Config: &container.Config{User: "1000"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeImage(t, name) })

	b.files.source(t, map[string]string{"README.md": "hello\n", "deep/er/file": "x"})
	j := b.job(`id -u; echo more >> README.md; echo more >> deep/er/file; mkdir deep/new; echo a=b >> $STAGEGATE_OUTPUT; rm -r deep`)
	j.Image = name
	j.Artifacts = []pipeline.Output{{Name: "all", Path: "."}}
	res := b.do(j)
	if res.Status != pipeline.Succeeded || len(res.Outputs) != 1 {
		t.Fatal(res.Reason, b.files.log())
	}
	if got := b.files.lines(runner.Stdout); got[0] != "1000" {
		t.Errorf("ran as %s", got[0])
	}
}

func TestLargeArtifactStreams(t *testing.T) { inBothModes(t, testLargeArtifactStreams) }

func testLargeArtifactStreams(t *testing.T, b *bench) {
	j := b.job(`head -c 64000000 /dev/urandom > big; sha256sum big`)
	j.Artifacts = []pipeline.Output{{Name: "big", Path: "big"}}
	first := b.do(j)
	if first.Status != pipeline.Succeeded {
		t.Fatal(first.Reason)
	}
	sum := b.files.lines(runner.Stdout)[0]
	j = b.job(`cd $STAGEGATE_INPUT_BIG; sha256sum big`)
	j.ID.Action = "use"
	j.Inputs = append(j.Inputs, first.Artifacts[0])
	if second := b.do(j); second.Status != pipeline.Succeeded || b.files.lines(runner.Stdout)[0] != sum {
		t.Error(second.Reason, b.files.log())
	}
}
