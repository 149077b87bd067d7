package app_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
)

const secretsPath = "/repositories/octo/shop/secrets"

// TestSecretsOnThePage asks that an administrator sets and removes secrets on the page,
// and that for anybody else, and for a form of another site, nothing is there.
func TestSecretsOnThePage(t *testing.T) {
	w, _ := atSignOff(t)
	w.github.AddUser("dora")
	w.github.AddUser("oscar")
	w.repo.SetPrivate(true)
	w.repo.SetPermission("dora", "admin")
	kept := func() []api.Secret {
		t.Helper()
		all, err := w.api().Secrets(w.context(), api.SecretPlace{Repository: "octo/shop"})
		if err != nil {
			t.Fatal(err)
		}
		return all.Items
	}
	dora := w.browser()
	page := dora.signIn("dora", secretsPath)
	form := page.filled(t, secretsPath, "name", "TOKEN", "registry", "", "environment", "production", "stages", "production", "value", "hunter2-value")
	for name, header := range map[string][]string{
		"from another site": {"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, "no word": {"Origin", "", "Sec-Fetch-Site", ""},
	} {
		if got := dora.do("POST", secretsPath, form, header...); got.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	for _, token := range []string{"", strings.Repeat("x", 43)} {
		other := maps.Clone(form)
		other.Set("form", token)
		if got := dora.do("POST", secretsPath, other); got.status != http.StatusForbidden {
			t.Errorf("with the form token %q: %d", token, got.status)
		}
	}
	for _, login := range []string{"bob", "mallory", "oscar"} {
		b := w.browser()
		other := maps.Clone(form)
		other.Set("form", b.signIn(login, "/").forms()["/logout"].Get("form"))
		none := b.get("/repositories/octo/nothing/secrets")
		if got := b.get(secretsPath); got.status != 404 || got.body != none.body {
			t.Errorf("%s looks: %d %s", login, got.status, got.body)
		}
		if got := b.do("POST", secretsPath, other); got.status != 404 || got.body != none.body {
			t.Errorf("%s sets: %d %s", login, got.status, got.body)
		}
		if list := b.get("/repositories/octo/shop"); strings.Contains(list.body, secretsPath) {
			t.Errorf("%s is led there", login)
		}
	}
	if got := kept(); len(got) != 0 {
		t.Fatalf("something was set: %+v", got)
	}
	if list := dora.get("/repositories/octo/shop"); !strings.Contains(list.body, `href="`+secretsPath+`"`) {
		t.Errorf("dora is not led there: %s", list.body)
	}
	set := dora.do("POST", secretsPath, form)
	if set.status != http.StatusSeeOther || set.location != secretsPath+"?done=set" {
		t.Fatalf("set: %d %q %s", set.status, set.location, set.body)
	}
	got := kept()
	if len(got) != 1 || got[0].Name != "TOKEN" || got[0].Environment != "production" || len(got[0].Stages) != 1 || got[0].SetBy != "dora" {
		t.Errorf("kept: %+v", got)
	}
	page = dora.get(set.location)
	if !strings.Contains(page.body, "TOKEN") || strings.Contains(page.body, "hunter2") || len(w.holds("hunter2")) > 0 || strings.Contains(w.log.String(), "hunter2") {
		t.Errorf("the value can be seen: %s", page.body)
	}
	remove := page.filled(t, secretsPath+"/remove", "name", "TOKEN", "registry", "", "environment", "production", "sure", "yes")
	for _, login := range []string{"bob", "oscar"} {
		b := w.browser()
		other := maps.Clone(remove)
		other.Set("form", b.signIn(login, "/").forms()["/logout"].Get("form"))
		if got := b.do("POST", secretsPath+"/remove", other); got.status != 404 || len(kept()) != 1 {
			t.Errorf("%s removes: %d %+v", login, got.status, kept())
		}
	}
	if got := dora.do("POST", secretsPath+"/remove", remove); got.status != http.StatusSeeOther || len(kept()) != 0 {
		t.Errorf("remove: %d %s", got.status, got.body)
	}
	if n, m := w.rowsOf("secret-set", "dora", "dashboard"), w.rowsOf("secret-removed", "dora", "dashboard"); n != 1 || m != 1 {
		t.Errorf("the audit log has %d and %d", n, m)
	}
	// GitHub is asked at the moment, whatever is remembered for pages.
	w.repo.SetPermission("dora", "write")
	if got := dora.do("POST", secretsPath, form); got.status != 404 || len(kept()) != 0 {
		t.Errorf("dora, an administrator no more: %d", got.status)
	}
}
