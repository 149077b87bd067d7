package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// token has alice sign in to the dashboard and make a token there.
func (p *process) token(scopes ...string) string {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	home, browser := "http://"+p.listen, &http.Client{Jar: jar}
	send := func(method, address string, form url.Values) (*url.URL, string) {
		req, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			p.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", home)
		resp, err := browser.Do(req)
		if err != nil {
			p.t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			p.t.Fatal(err)
		}
		return resp.Request.URL, string(body)
	}
	at, _ := send("GET", home+"/tokens", nil)
	_, page := send("POST", at.String(), url.Values{"login": {"alice"}})
	form := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(page)
	if form == nil {
		p.t.Fatalf("not signed in: %s", page)
	}
	_, page = send("POST", home+"/tokens", url.Values{"form": {form[1]}, "name": {"test"}, "days": {"90"}, "scope": scopes})
	text := regexp.MustCompile(`sgp_[A-Za-z0-9_-]{43}`).FindString(page)
	if text == "" {
		p.t.Fatalf("no token: %s", page)
	}
	return text
}

// TestLogin has alice use the command line as herself.
func TestLogin(t *testing.T) {
	p := newProcess(t)
	p.env = append(p.env, "STAGEGATE_GITHUB_CLIENT_ID="+p.github.ClientID(), "STAGEGATE_GITHUB_CLIENT_SECRET="+p.github.ClientSecret())
	p.github.SetCallbackURL("http://" + p.listen + "/login/callback")
	p.start()
	sha := p.pushTo(p.repo, gatedPipeline)
	p.wait("the approval", func() bool { return p.run(sha).Conclusion == "action_required" })
	dir := t.TempDir()
	env := []string{"XDG_CONFIG_HOME=" + dir, "STAGEGATE_PUBLIC_URL=http://" + p.listen, "PATH=/bin", "STAGEGATE_DATA=" + t.TempDir()}
	call := func(in string, args ...string) said {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		var out, err bytes.Buffer
		cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, t.TempDir(), strings.NewReader(in), &out, &err
		_ = cmd.Run()
		return said{cmd.ProcessState.ExitCode(), out.String(), err.String()}
	}
	want := func(got said, code int, text string) {
		t.Helper()
		if got.code != code || !strings.Contains(got.out+got.err, text) {
			t.Errorf("%+v, want %d and %q", got, code, text)
		}
	}
	want(call("", "login"), exitUsage, "there is no token: make one at")
	want(call("sgp_wrong\n", "login"), exitFailed, "wrong, expired or revoked")
	want(call("x\n", "login", "--server", "http://ci.example"), exitUsage, "its https address")
	token := p.token("run")
	want(call(token+"\n", "login"), 0, "is kept")
	file := filepath.Join(dir, "stagegate", "tokens.json")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v %v", info, err)
	}
	want(call("", "executions"), 0, "octo/shop/ci/1")
	want(call("", "approve", "ci/1"), exitFailed, "has not the scope approve")
	want(call("", "stop", "ci/1", "--reason", "lunch"), 0, "stopped by alice: lunch")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	want(call("", "executions"), exitFailed, "others may read")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	want(call("", "logout"), 0, "")
	want(call("", "executions"), exitUsage, "stagegate login")
	env = append(env, "STAGEGATE_TOKEN="+token)
	want(call("", "executions"), 0, "octo/shop/ci/1")
}
