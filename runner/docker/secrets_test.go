package docker_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// What real programs make of a secret is hidden, whatever stands before it and
// wherever they wrap lines.
func TestSecretsInWhatProgramsPrint(t *testing.T) {
	b := newBench(t)
	var secret strings.Builder
	for i := range 40 {
		fmt.Fprintf(&secret, "word-%d!", i)
	}
	b.files.secrets = []pipeline.Value{{Name: "TOKEN", Value: secret.String()}}
	j := b.job(`
for before in "" u us use user user:; do
	printf '%s%s\n' "$before" "$TOKEN" | base64
	printf '%s%s\n' "$before" "$TOKEN" | base64 -w 40 | sed 's/^/  /'
	printf '%s%s' "$before" "$TOKEN" | base64 -w 0 | tr '+/' '-_' | tee -a "$STAGEGATE_SUMMARY"
	printf '%s%s' "$before" "$TOKEN" | xxd -p >&2
	printf '%s%s' "$before" "$TOKEN" | hexdump -v -e '/1 "%02X"'
	echo; echo; echo
done
printf 'token=%s\n' "$(printf '%s' "$TOKEN" | base64 -w 0)" >> "$STAGEGATE_OUTPUT"
echo "::error title=$(printf '%s' "$TOKEN" | base64 -w 0)::$TOKEN"
set -x
: "$TOKEN"`)
	j.Secrets = []pipeline.SecretUse{{Name: "TOKEN"}}
	res := b.do(j)
	if res.Status != pipeline.Succeeded {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
	if len(res.Outputs) != 0 || len(res.Annotations) != 1 || res.Annotations[0].Title != "***==" || res.Annotations[0].Message != "***" {
		t.Errorf("%v %v", res.Outputs, res.Annotations)
	}
	all := strings.Join([]string{b.files.log(), res.Summary, res.LogTail}, "\n")
	for i := range secret.Len() - 9 {
		part := secret.String()[i : i+9]
		for _, text := range []string{part, base64.StdEncoding.EncodeToString([]byte(part)), fmt.Sprintf("%x", part), fmt.Sprintf("%X", part)} {
			if strings.Contains(all, text) {
				t.Fatalf("%s, a form of %s, stands in\n%s", text, part, all)
			}
		}
	}
	if got := b.files.lines(runner.Stdout); len(got) < 6*10 {
		t.Errorf("%q", got)
	}
}

// values of secrets that are hard to hand over.
var hard = map[string]string{
	"PLAIN": "s3cr3t-of-ours", "QUOTES": `it's "quoted" \ $HOME $(id) ` + "`id`", "LINES": "first\nsecond\r\n\n third \n",
	"BYTES": "\xff\xfe\x01", "LONG": strings.Repeat("0123456789abcdef", 4<<10), "EMPTY": "",
}

func TestSecretsReachTheScript(t *testing.T) { inBothModes(t, testSecretsReachTheScript) }

// As a variable or as a file, with any shell and any user, a secret is what it was,
// and neither the engine nor a list of processes nor another container shows it.
func testSecretsReachTheScript(t *testing.T, b *bench) {
	var script strings.Builder
	uses := []pipeline.SecretUse{}
	for name, value := range hard {
		b.files.secrets = append(b.files.secrets, pipeline.Value{Name: name, Value: value}, pipeline.Value{Name: "F_" + name, Value: value})
		uses = append(uses, pipeline.SecretUse{Name: name}, pipeline.SecretUse{Name: "F_" + name, File: true})
		fmt.Fprintf(&script, "printf '%%s' \"$%s\" | sha256sum | cut -c-64\nsha256sum < \"$F_%s\" | cut -c-64\n", name, name)
	}
	j := b.job("")
	j.Secrets = uses
	j.Run = script.String() + `
for file in /run/stagegate-secrets/*; do test -r $file; test $(stat -c %a $file) -eq 400; ! echo x 2>/dev/null >> $file; done
! touch /run/stagegate-secrets/new 2>/dev/null
grep -q ' /run/stagegate-secrets tmpfs ' /proc/mounts
! grep -rq s3cr3t-of-ours /stagegate
! ps -o args | grep s3cr3t | grep -v grep
until test -e /stagegate/inputs/source/go; do sleep 0.05; done
echo k=v >> "$STAGEGATE_OUTPUT"`
	stop := b.run()
	b.jobs.give(j)
	b.jobs.started(t, j)
	for _, c := range b.containers() {
		raw, err := api.ContainerInspect(t.Context(), c.ID)
		text, jerr := json.Marshal(raw)
		if err != nil || jerr != nil {
			t.Fatal(err, jerr)
		}
		if strings.Contains(string(text), "s3cr3t") || strings.Contains(string(text), `"QUOTES=`) {
			t.Errorf("the engine shows a secret: %s", text)
		}
	}
	b.exec("touch /stagegate/inputs/source/go")
	b.succeeded(b.jobs.result(t, j))
	stop()
	b.nothingLeft()
	var want []string
	for _, s := range b.files.secrets {
		want = append(want, fmt.Sprintf("%x", sha256.Sum256([]byte(s.Value))))
	}
	if diff := cmp.Diff(want, b.files.lines(runner.Stdout)); diff != "" {
		t.Error(diff)
	}
}

// exec runs a command in the container of the one job that runs.
func (b *bench) exec(command string) {
	b.Helper()
	for _, c := range b.containers() {
		if c.Labels[runner.LabelJob] == "" {
			continue
		}
		made, err := api.ContainerExecCreate(b.Context(), c.ID, container.ExecOptions{Cmd: []string{"sh", "-c", command}})
		if err == nil {
			err = api.ContainerExecStart(b.Context(), made.ID, container.ExecStartOptions{})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func TestSecretsOfOtherUsers(t *testing.T) { inBothModes(t, testSecretsOfOtherUsers) }

func testSecretsOfOtherUsers(t *testing.T, b *bench) {
	j := b.job(`test "$TOKEN" = "$(cat "$FILE")"; test "$(id -u)" = 1000; test "$(stat -c %u "$FILE")" = 0; echo k=v >> "$STAGEGATE_OUTPUT"`)
	j.Image, j.Shell = b.image(container.Config{User: "1000"}), "sh -eu {0}"
	b.files.secrets = []pipeline.Value{{Name: "TOKEN", Value: "s3cr3t"}, {Name: "FILE", Value: "s3cr3t"}}
	j.Secrets = []pipeline.SecretUse{{Name: "TOKEN"}, {Name: "FILE", File: true}}
	b.succeeded(b.do(j))
}

func TestSecretsOfARestart(t *testing.T) { inBothModes(t, testSecretsOfARestart) }

// A container that was made and not started is made again, with its secrets; one
// that runs keeps what it has.
func testSecretsOfARestart(t *testing.T, b *bench) {
	j := b.job(`test "$(cat "$FILE")" = s3cr3t; until test -e go; do sleep 0.05; done; test "$(cat "$FILE")" = s3cr3t; echo k=v >> "$STAGEGATE_OUTPUT"`)
	b.files.secrets = []pipeline.Value{{Name: "FILE", Value: "s3cr3t"}}
	j.Secrets = []pipeline.SecretUse{{Name: "FILE", File: true}}
	reached := make(chan struct{})
	b.files.filling = sync.OnceFunc(func() { close(reached) })
	stop := b.run()
	b.jobs.give(j)
	<-reached
	stop()
	b.files.filling = nil
	stop = b.run()
	b.jobs.started(t, j)
	stop()
	again := b.run()
	b.exec("touch go")
	b.succeeded(b.jobs.result(t, j))
	again()
	b.nothingLeft()
}

// What an engine cannot read of this machine's memory it keeps in its own.
func TestSecretsThatTheEngineDoesNotSee(t *testing.T) {
	b := newBench(t)
	made, err := b.engine.Create(t.Context(), runner.Spec{
		Name: runner.ContainerName(b.id, "job"), Image: busybox, Labels: map[string]string{runner.LabelRunner: b.id},
		Command: []string{"cat", runner.PrivateMount + "/KEY"}, Dir: "/", Limits: runner.Limits{Memory: 64 << 20, CPUs: 1, PIDs: 10, LogLimit: 1 << 20},
		Private: runner.Private{Folder: "/dev/shm/nothing-here", Files: []runner.PrivateFile{{Name: "KEY", Text: "s3cr3t", Mode: 0o400}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := made.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	piece, err := out.Next()
	if err != nil || string(piece.Data) != "s3cr3t" {
		t.Errorf("%q, %v", piece.Data, err)
	}
	if _, err := made.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if err := made.Remove(t.Context()); err != nil {
		t.Error(err)
	}
	b.nothingLeft()
}

func TestSecretsOfAnImageWithoutShell(t *testing.T) {
	b := newBench(t)
	j := b.job("")
	name := "stagegate-test-" + strings.ToLower(rand.Text()) + ":local"
	loadImage(t, name, runtime.GOARCH, "program", []byte("none"))
	j.Image, j.Shell = name, "/program"
	b.files.secrets = []pipeline.Value{{Name: "TOKEN", Value: "s3cr3t"}}
	j.Secrets = []pipeline.SecretUse{{Name: "TOKEN"}}
	res := b.do(j)
	if want := "the image has no sh that can be run, which puts secrets among the variables; name them as files, as in - TOKEN: file"; res.Status != pipeline.Errored || res.Reason != want {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
}
