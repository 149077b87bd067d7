package docker_test

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// TestWhatOutlivesTheShell leaves processes behind in every way there is. The
// job ends with its script, and they with it.
func TestWhatOutlivesTheShell(t *testing.T) {
	b := newBench(t)
	j := b.job(`cat /proc/1/comm
i=0; while [ $i -lt 50 ]; do (sh -c 'exec sleep 0' &); i=$((i+1)); done
for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1; z=$(ps -o stat | grep -c Z) || true; [ "$z" = 0 ] && break; done; echo "zombies $z"
setsid sh -c 'trap "" HUP INT TERM; while :; do sleep 1; done' &
(trap "" HUP INT TERM; while :; do :; done) &
nohup sleep 1000 &
echo k=v >> "$STAGEGATE_OUTPUT"; echo end`)
	res := b.attack(j)
	b.succeeded(res)
	got := b.files.lines(runner.Stdout)
	if diff := cmp.Diff([]string{"docker-init", "zombies 0", "end"}, got); diff != "" {
		t.Error(diff)
	}
	if d := res.FinishedAt.Sub(res.StartedAt); d > 20*time.Second {
		t.Errorf("took %s", d)
	}
}

// TestForkBomb fills every process the job may have, and hears no TERM.
func TestForkBomb(t *testing.T) {
	b := newBench(t)
	b.limits.PIDs, b.limits.LogLimit, b.grace = 64, 256<<10, time.Second
	j := b.job(`trap '' TERM HUP INT; bomb() { bomb | bomb & }; bomb; while :; do :; done`)
	j.Timeout = 2 * time.Second
	if res := b.attack(j); res.Status != pipeline.TimedOut || res.ExitCode != 137 {
		t.Errorf("%s, exit code %d: %s", res.Status, res.ExitCode, res.Reason)
	}
}

func TestNoMoreProcesses(t *testing.T) {
	b := newBench(t)
	b.limits.PIDs = 20
	res := b.attack(b.job(`i=0; while [ $i -lt 40 ]; do sleep 60 & i=$((i+1)); done`))
	want := "exit code 2: no more processes could be started, as the log says (limit 20)"
	if res.Status != pipeline.Failed || res.Reason != want {
		t.Errorf("%s: %s\n%s", res.Status, res.Reason, b.files.log())
	}
}

// TestForgedOutput writes what the engine, the init and the log write
// themselves. It stays what it is: text of the job.
func TestForgedOutput(t *testing.T) {
	b := newBench(t)
	res := b.attack(b.job(`printf '\001\000\000\000\000\000\000\005hello\n'
printf '\002\000\000\000\377\377\377\377endless\n'; printf '\003\000\000\000\000\000\000\004boom\n'
printf 'a\r2026-01-01T00:00:00.000Z s succeeded\n2026-01-01T00:00:00.000Z s succeeded\n'
printf '{"log":"x","stream":"stderr","time":"2026-01-01T00:00:00Z"}\n'; printf '\033]0;title\007\033[2J\n'
echo '[FATAL tini (7)] exec sh failed: No such file or directory'; exit 3`))
	if res.Status != pipeline.Failed || res.Reason != "exit code 3" {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
	nul := strings.Repeat("\uFFFD", 3)
	want := []string{
		"\x01" + nul + nul + "\x05hello", "\x02" + nul + "\uFFFDendless", "\x03" + nul + nul + "\x04boom",
		"a\r2026-01-01T00:00:00.000Z s succeeded", "2026-01-01T00:00:00.000Z s succeeded",
		`{"log":"x","stream":"stderr","time":"2026-01-01T00:00:00Z"}`, "\x1b]0;title\x07\x1b[2J",
		"[FATAL tini (7)] exec sh failed: No such file or directory",
	}
	if diff := cmp.Diff(want, b.files.lines(runner.Stdout)); diff != "" {
		t.Error(diff)
	}
	if said := b.files.lines(runner.Stagegate); !slices.Equal(said, []string{"failed: exit code 3"}) {
		t.Errorf("Stagegate said %q", said)
	}
}

func TestMillionLines(t *testing.T) {
	b := newBench(t)
	if res := b.attack(b.job("seq 1 1000000")); res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason)
	}
	got := b.files.lines(runner.Stdout)
	if len(got) != 1_000_000 {
		t.Fatalf("%d lines", len(got))
	}
	for i, line := range got {
		if line != fmt.Sprint(i+1) {
			t.Fatalf("line %d is %q", i+1, line)
		}
	}
}

// TestFloods write without an end. The log keeps to its limit, and the job ends
// when its time is up.
func TestFloods(t *testing.T) {
	for name, run := range map[string]string{
		"lines":    "echo first; yes; echo last",
		"one line": "echo first; tr '\\0' x </dev/zero",
		"binary":   "echo first; cat /dev/zero",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.limits.LogLimit, b.grace = 256<<10, time.Second
			j := b.job(run)
			j.Timeout = time.Second
			res := b.attack(j)
			if res.Status != pipeline.TimedOut || len(res.LogTail) > 64<<10 {
				t.Errorf("%s: %s, a tail of %d bytes", res.Status, res.Reason, len(res.LogTail))
			}
			text, got, said := b.files.log(), b.files.lines(runner.Stdout), b.files.lines(runner.Stagegate)
			if len(text) > 256<<10 || got[0] != "first" || !strings.HasSuffix(said[len(said)-1], "ran longer than 1s") {
				t.Errorf("%d bytes, from %.20q to %q", len(text), got[0], said)
			}
		})
	}
}

// A process without an output is none that has ended.
func TestOutputIsClosedEarly(t *testing.T) {
	b := newBench(t)
	b.succeeded(b.attack(b.job(`echo before; exec >&- 2>&- <&-; sleep 3; echo k=v >> "$STAGEGATE_OUTPUT"`)))
	if got := b.files.lines(runner.Stdout); !slices.Equal(got, []string{"before"}) || b.files.opened() != 1 {
		t.Errorf("%q after %d readings", got, b.files.opened())
	}
}

// TestWhatContainersMayNot tries what would lead to the machine, the engine or
// the network's other users. Every line that works says so.
func TestWhatContainersMayNot(t *testing.T) {
	b := newBench(t)
	res := b.attack(b.job(`try() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "may: $name"; fi; }
try mount mount -t tmpfs none /mnt; try 'bind mount' mount --bind /etc /mnt; try remount mount -o remount,rw /proc/sys
try mknod mknod /tmp/null c 1 3; try 'block device' mknod /tmp/disk b 254 0; try 'disk' test -e /dev/vda; try mem test -e /dev/mem
try 'raw socket' arping -c 1 -w 1 -I eth0 127.0.0.1; try ping ping -c 1 -w 1 127.0.0.1
try hostname hostname forged; try clock sh -c '! date -s 2020-01-01 2>&1 | grep -q "not permitted"'; try link ip link add dummy0 type dummy; try route ip route add 10.99.0.0/16 dev eth0
try 'user namespace' unshare -U true; try 'mount namespace' unshare -m true; try 'network namespace' nsenter -t 1 -n true
try sysctl sh -c 'echo 1 > /proc/sys/kernel/panic'; try 'core pattern' sh -c 'echo "|/x" > /proc/sys/kernel/core_pattern'
try sysrq sh -c 'echo h > /proc/sysrq-trigger'; try sys sh -c 'echo 1 > /sys/kernel/mm/ksm/run'
try cgroup sh -c 'for f in /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max; do test -e $f && echo max > $f && exit 0; done; exit 1'
try 'release agent' sh -c 'find /sys/fs/cgroup -name release_agent | while read f; do echo x > $f && exit 9; done; test $? = 9'
try kcore sh -c 'head -c 1 /proc/kcore | grep -q .'; try keys sh -c 'test -s /proc/keys'; try timers sh -c 'test -s /proc/timer_list'
try swap swapoff -a; try module insmod /etc/passwd; try dmesg -c dmesg -c; try chattr chattr +i README.md
try 'oom score' sh -c 'echo -1000 > /proc/self/oom_score_adj'; try nice nice -n -5 sh -c 'test $(nice) -lt 0'
for s in /var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock; do try $s test -e $s; done
chown 1000 README.md # as package managers must be able to
grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null || true`))
	if res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason, b.files.log())
	}
	// Docker's default capabilities without NET_RAW, MKNOD and AUDIT_WRITE; seccomp
	// with a filter; one CPU.
	want := []string{
		"CapEff:\t00000000800405fb", "CapBnd:\t00000000800405fb", "NoNewPrivs:\t1", "Seccomp:\t2",
	}
	got := b.files.lines(runner.Stdout)
	if len(got) != 5 || !slices.Equal(got[:4], want) || !strings.HasPrefix(got[4], "100000") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// TestSetuidGainsNothing runs a set-uid program of root's as somebody else.
func TestSetuidGainsNothing(t *testing.T) {
	b := newBench(t)
	j := b.job(`id -u; /root-shell su root -c 'echo gained' || echo refused; grep -E '^Cap(Eff|Prm):' /proc/self/status`)
	suid := tar.Header{Typeflag: tar.TypeReg, Name: "root-shell", Mode: 0o4755}
	j.Image = b.image(container.Config{User: "1000"}, entry{suid, b.fileOf(busybox, "/bin/busybox")})
	if res := b.attack(j); res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason, b.files.log())
	}
	want := []string{"1000", "refused", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000"}
	if diff := cmp.Diff(want, b.files.lines(runner.Stdout)); diff != "" {
		t.Error(diff, b.files.log())
	}
}

// fileOf reads a file of an image.
func (b *bench) fileOf(image, name string) string {
	b.Helper()
	ctx := context.Background()
	made, err := api.ContainerCreate(ctx, &container.Config{Image: image, Cmd: []string{"true"}}, nil, nil, nil, "")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = api.ContainerRemove(ctx, made.ID, container.RemoveOptions{Force: true}) }()
	src, _, err := api.CopyFromContainer(ctx, made.ID, name)
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close()
	r := tar.NewReader(src)
	if _, err := r.Next(); err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}
