package docker_test

import (
	"archive/tar"
	"bytes"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// TestHostileTree packs a folder in which a container left whatever it could
// think of: 5,000 levels of folders are deeper than a path can name.
func TestHostileTree(t *testing.T) { inBothModes(t, testHostileTree) }

func testHostileTree(t *testing.T, b *bench) {
	b.guarded()
	long := strings.Repeat("n", 255)
	j := b.job(`mkdir out; cd out
ln -s /etc/passwd passwd; ln -s ../../../../../../guard climbs; ln -s . here; ln -s loop2 loop1; ln -s loop1 loop2
ln -s / slash; ln -s chain2 chain1; ln -s chain3 chain2; ln -s ../../../.. chain3; ln -s nowhere dangling
! ln /etc/passwd hard 2>/dev/null; ! mknod device b 8 0 2>/dev/null; mkfifo fifo
touch -- -rf '--' "$(printf 'new\nline')" "$(printf 'bad\377utf8')" 'back\slash' "$(printf 'esc\033[31m')" ` + long + `
echo me > owned; chown 2000000000:2000000000 owned; echo s > setuid; chmod 6755 setuid; ! chattr +i owned 2>/dev/null
mkdir shut sticky; echo x > shut/in; chmod 000 shut/in shut; chmod 7777 sticky
mkdir many; cd many; seq 1 5000 | xargs touch; cd ..
s=d/d/d/d/d/d/d/d/d/d; s=$s/$s/$s/$s/$s; mkdir d; touch d/file
i=0; while [ $i -lt 100 ]; do mkdir -p next/$s; mv d next/$s/; mv next d; i=$((i+1)); done
cd ..; truncate -s 1099511627776 sparse; cp sparse "$STAGEGATE_SUMMARY" 2>/dev/null & sleep 0.1`)
	j.Artifacts = []pipeline.Output{{Name: "tree", Path: "out"}}
	res := b.attack(j)
	if res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason, b.files.log())
	}
	names := slices.DeleteFunc(b.files.names(t, "tree"), func(n string) bool {
		return strings.HasPrefix(n, "d/") || strings.HasPrefix(n, "many/")
	})
	want := []string{
		"--", "-rf", "bad\377utf8", "chain1", "chain2", "dangling", "esc\033[31m", "here", "loop1", "loop2",
		"new\nline", long, "owned", "setuid", "shut/", "shut/in", "sticky/",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	said := strings.Join(b.files.lines(runner.Stagegate), "\n")
	for _, want := range []string{
		"files 5009,", `"passwd": absolute link`, `"climbs": link leads out of the artifact`, `"slash": absolute link`,
		`"chain3": link leads out of the artifact`, `"fifo": named pipe`, `backslash in the name`, `deeper than 256 folders`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("not said: %s\n%s", want, said)
		}
	}
	b.everythingOfRoot("tree")
}

// everythingOfRoot looks that an artifact brings no owner and no special bit.
func (b *bench) everythingOfRoot(name string) {
	b.Helper()
	for r := tar.NewReader(bytes.NewReader(b.files.tars[name])); ; {
		h, err := r.Next()
		if err != nil {
			return
		}
		if h.Uid != 0 || h.Gid != 0 || h.Mode&^0o777 != 0 {
			b.Errorf("%q is of %d:%d, mode %o", h.Name, h.Uid, h.Gid, h.Mode)
		}
	}
}

// TestHostilePath gives a job an artifact's path at which a container left
// something else. What cannot be packed fails the job, in words.
// TestMillionFiles makes an artifact of more files than one may have. They are in
// memory, because a disk takes minutes to forget them.
func TestMillionFiles(t *testing.T) {
	b := newBench(t)
	b.limits.Timeout, b.limits.Memory = 10*time.Minute, 4<<30
	if err := syscall.Mount("tmpfs", b.work, "tmpfs", 0, "nr_inodes=0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(b.work, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	j := b.job("mkdir out; cd out; seq 1 1000001 | xargs touch")
	j.Artifacts = []pipeline.Output{{Name: "out", Path: "out"}}
	res := b.attack(j)
	if want := "artifact out: more than 1000000 files and folders; pack them into one file"; res.Status != pipeline.Failed || res.Reason != want {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
}

func TestHostilePath(t *testing.T) {
	for name, c := range map[string]struct{ run, path, reason string }{
		"link to the host": {"ln -s /proc/1/root out", "out/etc", "artifact shop: nothing at out/etc"},
		"link loop":        {"ln -s b a; ln -s a b", "a/x", "artifact shop: a/x is neither a folder nor a regular file"},
		"link chain":       {"ln -s /etc/passwd c; ln -s c b; ln -s b out", "out", "artifact shop: out is neither a folder nor a regular file"},
		"link above":       {"ln -s /usr/lib d", "d/os-release", "artifact shop: nothing at d/os-release"},
		"sparse in folder": {"mkdir out; truncate -s 1099511627776 out/sparse", "out", "artifact shop: larger than 1 MiB"},
		"folder is gone":   {"cd /; rm -rf /stagegate/*", ".", "artifact shop: nothing at ."},
		"folder is a link": {`cd /; mv "$STAGEGATE_INPUT_SOURCE" /stagegate/x; ln -s /etc "$STAGEGATE_INPUT_SOURCE"`, ".", "artifact shop: . is neither a folder nor a regular file"},
		"output is folder": {`rm "$STAGEGATE_OUTPUT"; mkdir "$STAGEGATE_OUTPUT"`, ".", "$STAGEGATE_OUTPUT is no regular file any more"},
		"output is loop":   {`ln -sf output "$STAGEGATE_OUTPUT"`, ".", "$STAGEGATE_OUTPUT is no regular file any more"},
		"output is sparse": {`truncate -s 1099511627776 "$STAGEGATE_OUTPUT"`, ".", "$STAGEGATE_OUTPUT has more than 120 KiB: hand large texts on as an artifact"},
	} {
		t.Run(name, func(t *testing.T) {
			inBothModes(t, func(t *testing.T, b *bench) {
				b.guarded()
				b.limits.Artifact = 1 << 20
				j := b.job(c.run)
				j.Artifacts = []pipeline.Output{{Name: "shop", Path: c.path}}
				res := b.attack(j)
				if res.Status != pipeline.Failed || res.Reason != c.reason || len(res.Artifacts) > 0 {
					t.Errorf("%s: %s\n%s", res.Status, res.Reason, b.files.log())
				}
			})
		})
	}
}

// TestPackingWaitsForEveryProcess leaves a process behind that exchanges a folder
// for a link for ever. When packing begins it must be dead, for nothing that
// looks at the tree and then reads it could be safe from it.
func TestPackingWaitsForEveryProcess(t *testing.T) { inBothModes(t, testPackingWaitsForEveryProcess) }

func testPackingWaitsForEveryProcess(t *testing.T, b *bench) {
	b.guarded()
	j := b.job(`mkdir out real; echo mine > real/passwd
setsid sh -c 'trap "" TERM HUP; while :; do ln -s /etc out/d; rm out/d; mv real out/d; mv out/d real; done' >/dev/null 2>&1 &
sleep 0.2`)
	j.Artifacts = []pipeline.Output{{Name: "shop", Path: "out"}}
	// The engine may still be taking down the network of a container that it
	// calls running; what counts is that none of its processes is left.
	b.files.packing = func() { b.nothingRuns(j) }
	res := b.attack(j)
	if res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason, b.files.log())
	}
	if text := b.files.tars["shop"]; bytes.Contains(text, []byte("root:")) {
		t.Error("the artifact holds a file of the machine")
	}
}

// TestHostileImage runs images that were made for the runner: what they have at
// its places must not pass for what the runner put there.
func TestHostileImage(t *testing.T) {
	file := func(name, text string) entry {
		return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755}, text}
	}
	link := func(name, target string) entry {
		return entry{tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}, ""}
	}
	for name, c := range map[string]struct {
		config  container.Config
		entries []entry
		status  pipeline.Status
		reason  string
	}{
		"has files at our places": {
			config: container.Config{
				Entrypoint: []string{"/bin/false"}, Cmd: []string{"forged"}, WorkingDir: "/nowhere", StopSignal: "SIGCONT",
				Volumes:     map[string]struct{}{"/stagegate": {}, "/data": {}},
				Healthcheck: &container.HealthConfig{Test: []string{"CMD", "false"}, Interval: 1e6},
			},
			entries: []entry{
				file("stagegate/run", "echo forged"), file("stagegate/output", "forged=1\n"), file("stagegate/extra", ""),
				file("stagegate/inputs/source/README.md", "forged"), link("stagegate/summary", "/etc/passwd"),
			},
			status: pipeline.Succeeded,
		},
		"mounts a link to proc": {
			entries: []entry{link("stagegate", "/proc/self/fd")},
			status:  pipeline.Errored,
			reason:  "the container could not be",
		},
		"has a user nobody knows": {config: container.Config{User: "forged"}, status: pipeline.Errored, reason: "the container could not be started"},
	} {
		t.Run(name, func(t *testing.T) {
			inBothModes(t, func(t *testing.T, b *bench) {
				b.guarded()
				j := b.job(`cat README.md; ls; ls /stagegate; echo k=v >> "$STAGEGATE_OUTPUT"`)
				j.Image = b.image(c.config, c.entries...)
				res := b.attack(j)
				if res.Status != c.status || !strings.HasPrefix(res.Reason, c.reason) {
					t.Fatalf("%s: %s", res.Status, res.Reason)
				}
				if res.Status != pipeline.Succeeded {
					return
				}
				got := b.files.lines(runner.Stdout)
				if diff := cmp.Diff([]string{"hello", "README.md", "inputs", "output", "run", "summary"}, got); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff([]pipeline.Value{{Name: "k", Value: "v"}}, res.Outputs); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
