package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/webhook"
	"github.com/stagegate/stagegate/internal/githubtest"
)

// call posts a body to the address of a pipeline, signed.
func (w *world) call(hook api.Webhook, body string) (int, webhook.Called) {
	w.t.Helper()
	mac := hmac.New(sha256.New, []byte(hook.Secret))
	mac.Write([]byte(body))
	req, err := http.NewRequestWithContext(w.context(), http.MethodPost, hook.URL, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var called webhook.Called
	if err := json.NewDecoder(resp.Body).Decode(&called); err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, called
}

// hook asks the operator's API for the address of a pipeline.
func (w *world) hook(pipeline string) api.Webhook {
	w.t.Helper()
	hook, err := w.api().Webhook(w.context(), "octo/shop", pipeline)
	if err != nil {
		w.t.Fatal(err)
	}
	return hook
}

func TestWebhookStartsTheHead(t *testing.T) {
	w := newWorld(t)
	w.pipelines("Two", map[string]string{
		"deploy": after(`webhook: { filter: "payload.action == 'released' && payload.release.count > 1" }`),
		"other":  after("push: { branches: [x] }"),
	})
	w.push("main")
	sha := w.commit("Newest", nil)
	w.push("main")
	hook := w.hook("Deploy")
	if hook.Pipeline != "deploy" || hook.Filter == "" || !strings.HasPrefix(hook.URL, "http://"+w.listen+"/hooks/") {
		t.Errorf("the address: %+v", hook)
	}
	released := `{"action": "released", "release": {"count": 2}, "tag": "$(touch /tmp/x) ${{ payload.action }}"}`
	status, called := w.call(hook, released)
	if status != http.StatusOK || !called.Started || called.Number != 1 {
		t.Fatalf("%d %+v", status, called)
	}
	run := w.check(sha, "deploy / production (webhook)", "success") // it is trusted like the default branch
	if page := w.get(strings.Split(run.DetailsURL, "#")[0]); !strings.Contains(page, "started by a webhook") {
		t.Error("the page does not say what started it")
	}
	for body, reason := range map[string]string{
		released:                 "has started execution 1 already",
		`{"action": "created"}`:  "the filter does not let it through",
		`{"action": "released"}`: "> compares numbers, and payload.release.count is none",
		`action=released`:        "the body is not JSON",
	} {
		if status, called := w.call(hook, body); status != http.StatusOK || called.Started || !strings.Contains(called.Reason, reason) {
			t.Errorf("%s: %d %+v", body, status, called)
		}
	}
	if status, called := w.call(hook, strings.Replace(released, "2", "3", 1)); status != http.StatusOK || called.Number != 2 {
		t.Errorf("another body: %d %+v", status, called)
	}
	x := w.executions()[0]
	if x.Trigger != "webhook" || x.Actor != "" || x.Lane != "refs/heads/main" || x.Revision.Commit != sha {
		t.Errorf("execution %+v", x)
	}
	if shown, err := w.api().Execution(w.context(), x.ID); err != nil || strings.Contains(mustJSON(t, shown), "touch") {
		t.Errorf("the body stands in the execution: %v", err)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestWebhookRefuses calls with wrong secrets, and pipelines that are not, or no
// longer, to be called.
func TestWebhookRefuses(t *testing.T) {
	w := newWorld(t)
	w.pipelines("Two", map[string]string{"deploy": after("webhook: ")})
	w.push("main")
	hook := w.hook("deploy")
	_, err := w.api().Webhook(w.context(), "octo/shop", "nope")
	w.refusedWith(err, api.NotFound, `there is no pipeline "nope"`)
	_, err = w.api().Webhook(w.context(), "octo/nope", "deploy")
	w.refusedWith(err, api.NotFound, "not installed")
	_, err = w.api().Webhook(w.context(), "octo", "deploy")
	w.refusedWith(err, api.Invalid, "OWNER/NAME")

	wrong := hook
	wrong.Secret = strings.Repeat("0", 64)
	first, answer := w.call(wrong, "{}")
	wrong.URL = strings.Replace(hook.URL, "/deploy", "/nope", 1)
	wrong.Secret = hook.Secret
	if status, called := w.call(wrong, "{}"); status != http.StatusUnauthorized || first != status || called != answer {
		t.Errorf("unknown: %d %+v; wrong: %d %+v", status, called, first, answer)
	}
	stop := w.github.Fail(func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/git/ref/") }, -1, githubtest.Fault{Status: http.StatusBadGateway})
	if status, called := w.call(hook, "{}"); status != http.StatusServiceUnavailable || called.Started {
		t.Errorf("GitHub is away: %d %+v", status, called)
	}
	stop()
	broken := w.pipelines("Broken", map[string]string{"deploy": strings.Replace(after("webhook: "), "roll-out", "roll out", 1)})
	w.push("main")
	if status, called := w.call(hook, "{}"); status != http.StatusOK || called.Started || !strings.Contains(called.Reason, "has 1 mistake at "+broken[:7]) {
		t.Errorf("broken: %d %+v", status, called)
	}
	w.pipelines("No more", map[string]string{"deploy": after("push: { branches: [x] }")})
	w.push("main")
	if status, called := w.call(hook, "{}"); status != http.StatusOK || called.Started || !strings.Contains(called.Reason, "has no webhook under on") {
		t.Errorf("no more: %d %+v", status, called)
	}
	_, err = w.api().Webhook(w.context(), "octo/shop", "deploy")
	w.refusedWith(err, api.Conflict, "has no webhook under on")
	w.git(w.clone, "mv", ".github/pipelines/deploy.yaml", ".github/pipelines/private.yaml")
	w.commit("Moved", nil)
	w.push("main")
	if status, called := w.call(hook, "{}"); status != http.StatusOK || called.Reason != "the default branch has no such pipeline any more" {
		t.Errorf("moved: %d %+v", status, called)
	}
	if found := w.executions(); len(found) != 0 {
		t.Errorf("executions: %+v", found)
	}
}

// TestWebhookKey asks that secrets stay with the data folder, and are no other
// repository's.
func TestWebhookKey(t *testing.T) {
	w := newWorld(t)
	w.pipelines("Two", map[string]string{"deploy": after("webhook: "), "other": after("webhook: ")})
	w.push("main")
	info, err := os.Stat(filepath.Join(w.data, "webhook-key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key: %v %v", info, err)
	}
	hook, other := w.hook("deploy"), w.hook("other")
	if len(hook.Secret) != 64 || hook.Secret == other.Secret {
		t.Errorf("secrets %q and %q", hook.Secret, other.Secret)
	}
	w.stop()
	w.start()
	if again := w.hook("deploy"); again != hook {
		t.Errorf("a restart made %+v of %+v", again, hook)
	}
	namesake := w.github.AddRepository("octo/store")
	namesake.SetPermission("alice", "write")
	elsewhere := hook
	elsewhere.URL = strings.Replace(hook.URL, "/shop/", "/store/", 1) // the name is not signed
	if status, called := w.call(elsewhere, "{}"); status != http.StatusOK || called.Started || !strings.Contains(called.Reason, "another repository is called octo/store") {
		t.Errorf("of another repository: %d %+v", status, called)
	}
	elsewhere.URL = strings.Replace(elsewhere.URL, fmt.Sprint(w.repo.ID()), fmt.Sprint(namesake.ID()), 1)
	if status, _ := w.call(elsewhere, "{}"); status != http.StatusUnauthorized {
		t.Errorf("under the secret of another repository: %d", status)
	}
	if strings.Contains(w.log.String(), hook.Secret) {
		t.Error("a secret is in the log")
	}
}
