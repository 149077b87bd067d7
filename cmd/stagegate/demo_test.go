package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDemoSignsIn opens the link that a demo prints which is left running: once it signs
// a browser in, and nobody signs in without it.
func TestDemoSignsIn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "demo", "--keep")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	link := ""
	for s := bufio.NewScanner(io.TeeReader(out, &all)); link == "" && s.Scan(); {
		link = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/login/by-link/\S+`).FindString(s.Text())
	}
	if link == "" {
		_ = cmd.Wait()
		t.Fatalf("no link:\n%s", all.String())
	}
	defer func() {
		cancel()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait() // it was interrupted
	}()
	open := func(b *http.Client, address string) (int, string, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := b.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Request.URL.String(), string(body)
	}
	browser := func() *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Client{Jar: jar}
	}
	status, at, page := open(browser(), link)
	if status != 200 || !strings.Contains(page, "<bdi>bob</bdi>") || !strings.Contains(page, "octo/shop") {
		t.Errorf("the link leads to %s: %d %s", at, status, page)
	}
	stranger := browser()
	if status, _, _ := open(stranger, link); status != http.StatusGone {
		t.Errorf("a second time: %d", status)
	}
	if status, _, page := open(stranger, strings.TrimSuffix(at, "/")+"/login"); status != http.StatusUnauthorized || strings.Contains(page, "bob") {
		t.Errorf("without it: %d %s", status, page)
	}
}
