package app_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
)

const withSecrets = `
on: push
stages:
  - name: production
    environment: production
    actions:
      - name: deploy
        image: IMAGE
        env: { NOTE: "in-the-clear-4711" }
        secrets: [TOKEN, KEY: file]
        run: |
          echo "token $TOKEN"
          cat "$KEY"
          wc -c < "$KEY"
          echo "got=$TOKEN" >> "$STAGEGATE_OUTPUT"
          echo "it is $TOKEN" >> "$STAGEGATE_SUMMARY"
          echo "::warning::it is $TOKEN"
          echo "digit $(printf %s "$TOKEN" | cut -c 7)"
`

// holds tells which files below the data folder hold a text.
func (w *world) holds(text string) []string {
	w.t.Helper()
	var found []string
	err := filepath.WalkDir(w.data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// TestSecretsNowhereInClear sets secrets, runs an action that prints them in every way
// it can, and looks for them in all that the App keeps and says.
func TestSecretsNowhereInClear(t *testing.T) {
	w := newWorld(t)
	const token, key, later = "hunter2-token-value", "-----BEGIN KEY-----\nhunter2-key-value\n", "hunter3-token-value"
	place := api.SecretPlace{Name: "TOKEN", Repository: "octo/shop"}
	set := func(p api.SecretPlace, value string) {
		t.Helper()
		if _, err := w.api().SetSecret(w.context(), api.SetSecret{SecretPlace: p}, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	set(api.SecretPlace{Name: "KEY", Repository: "octo/shop", Environment: "production"}, key)
	sha := w.pipeline(withSecrets)
	w.push("main")
	run := w.check(sha, "ci / production", "failure")
	if want := "there is no secret TOKEN for octo/shop: set it with stagegate secret set TOKEN --repo octo/shop, or with --environment production"; !strings.Contains(run.Summary+run.Text, want) {
		t.Errorf("the check run does not say %q:\n%s\n%s", want, run.Summary, run.Text)
	}
	set(place, token)
	x := w.newest(sha)
	if _, err := w.api().Retry(w.context(), x.ID, api.Retry{}); err != nil {
		t.Fatal(err)
	}
	run = w.check(sha, "ci / production", "success")
	log := w.get(strings.Replace(run.DetailsURL, "#production", "/logs/production/deploy/2", 1))
	if !strings.Contains(log, "token ***") || !strings.Contains(log, "38") || !strings.Contains(log, "digit 2") || strings.Contains(log, "hunter2") {
		t.Errorf("the log:\n%s", log)
	}
	set(place, later)
	again := w.commit("Again", nil)
	w.push("main")
	if log := w.actionLog(w.check(again, "ci / production", "success"), "deploy"); !strings.Contains(log, "digit 3") || strings.Contains(log, "hunter") {
		t.Errorf("the log of what ran later:\n%s", log)
	}
	w.stop() // so that the log of the database is written out too
	for _, text := range []string{"hunter2", "hunter3"} {
		if found := w.holds(text); len(found) > 0 || strings.Contains(w.log.String(), text) {
			t.Errorf("%s stands in %v, in the App's log: %v", text, found, strings.Contains(w.log.String(), text))
		}
	}
	if len(w.holds("in-the-clear-4711")) == 0 {
		t.Error("a search of the data folder finds nothing that is in it")
	}
	for _, r := range w.repo.CheckRuns(sha) {
		if all := r.Summary + r.Text + r.Title; strings.Contains(all, "hunter") {
			t.Errorf("GitHub was told: %s", all)
		}
	}
}
