package app_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
)

// evil is what a shell, an expression or a log command would obey.
const evil = "$(touch /tmp/pwned)`touch /tmp/pwned`';touch /tmp/pwned;\" ${{ variables.SECRET }} && touch /tmp/pwned"

const toldBy = `
on: { push: { branches: ["**"], tags: ["**"] }, pull_request: {} }
variables: { SECRET: { default: looked-up } }
stages:
  - name: build
    actions:
      - name: say
        image: IMAGE
        env:
          MESSAGE: "${{ source.message }}"
          AUTHOR: "${{ source.author }}"
          NAMES: "${{ source.branch }}${{ source.tag }}"
        run: |
          printf 'message=%s|\n' "$MESSAGE"
          printf 'author=%s|\n' "$AUTHOR"
          printf 'name=%s|\n' "$NAMES"
          [ ! -e /tmp/pwned ]
`

// TestNamesAreNeverCommands pushes branches, tags, messages and authors that are
// commands to a shell. They come to the script as they are, and nothing obeys them.
func TestNamesAreNeverCommands(t *testing.T) {
	w := newWorld(t)
	w.pipeline(toldBy)
	w.git(w.clone, "commit", "--quiet", "--allow-empty", "--author="+strings.ReplaceAll(evil, "<", "")+" <x@example.com>", "--message="+evil)
	sha := w.git(w.clone, "rev-parse", "HEAD")
	for _, ref := range []string{"refs/heads/$(touch${IFS}/tmp/pwned)", "refs/heads/a;touch${IFS}/tmp/pwned;`id`", "refs/tags/v1;$(touch${IFS}/tmp/pwned)&&'\"|x"} {
		before := len(w.runs(sha, "ci / build"))
		w.push("HEAD:" + ref)
		w.eventually("an execution of "+ref, func() bool { return len(w.runs(sha, "ci / build")) > before })
		run := w.check(sha, "ci / build", "success")
		log := w.actionLog(run, "say")
		name := strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/tags/")
		for _, want := range []string{"message=" + evil + "|", "author=" + evil + "|", "name=" + name + "|"} {
			if !strings.Contains(log, want) {
				t.Errorf("%s: the script was not given %s:\n%s", ref, want, log)
			}
		}
		if strings.Contains(log, "looked-up") {
			t.Errorf("%s: an expression in a name was worked out:\n%s", ref, log)
		}
	}
}

// TestADeliveryThatIsReplayed sends a true delivery again under other names, and cut
// short: it was GitHub's once, and starts something once.
func TestADeliveryThatIsReplayed(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline("on: push\nstages:\n  - name: build\n    actions: [{ name: only, image: IMAGE, run: \"true\" }]\n")
	w.push("main")
	w.check(sha, "ci / build", "success")
	var body []byte
	for _, d := range w.github.Deliveries() {
		if d.Event == "push" {
			body = d.Payload
		}
	}
	for name, c := range map[string]struct {
		body   []byte
		signed []byte
		guid   string
		want   int
	}{
		"again, under another id":     {body, body, "00000000-0000-0000-0000-000000000001", http.StatusAccepted},
		"cut short":                   {body[:len(body)/2], body, "00000000-0000-0000-0000-000000000002", http.StatusUnauthorized},
		"with more behind it":         {append(bytes.Clone(body), ' '), body, "00000000-0000-0000-0000-000000000003", http.StatusUnauthorized},
		"for a ref that it is not of": {bytes.ReplaceAll(body, []byte("refs/heads/main"), []byte("refs/heads/evil")), body, "00000000-0000-0000-0000-000000000004", http.StatusUnauthorized},
	} {
		if got := w.deliverBy(c.body, c.signed, c.guid); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	w.logged("delivery seen before")
	w.allEnded(sha)
	if runs := w.runs(sha, "ci / build"); len(runs) != 1 {
		t.Errorf("%d check runs of one push", len(runs))
	}
}

// deliverBy posts a push as somebody who has the signature of a body.
func (w *world) deliverBy(body, signed []byte, guid string) int {
	w.t.Helper()
	mac := hmac.New(sha256.New, []byte(w.github.WebhookSecret()))
	mac.Write(signed)
	req, err := http.NewRequestWithContext(w.context(), http.MethodPost, "http://"+w.listen+"/webhooks/github", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-GitHub-Delivery", guid)
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
