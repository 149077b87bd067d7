package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/api"
)

// kept is a secret that the shelf has.
var kept = api.Secret{
	SecretPlace: api.SecretPlace{Name: "TOKEN", Repository: "octo/shop", Environment: "production"},
	Pipelines:   []string{"release"}, RepositoryID: 42, SetBy: "ann", SetAt: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC),
}

// asked is what the shelf was told to keep.
type asked struct {
	Set   api.SetSecret
	Value string
}

func (s *shelf) Secrets(_ context.Context, of api.SecretPlace) ([]api.Secret, error) {
	if of.Organization != "" {
		return nil, s.err
	}
	return []api.Secret{kept}, s.err
}

func (s *shelf) SetSecret(_ context.Context, set api.SetSecret, value []byte) (api.Secret, error) {
	return kept, s.do(asked{set, string(value)})
}

func (s *shelf) RemoveSecret(_ context.Context, p api.SecretPlace) (api.Secret, error) {
	return kept, s.do(p)
}

func (s *shelf) RotateSecrets(context.Context) (int, error) { return 3, s.err }

func TestSecrets(t *testing.T) {
	s := newShelf()
	_, client := serve(t, s)
	set := api.SetSecret{SecretPlace: kept.SecretPlace, Pipelines: []string{"release", "hotfix"}, Stages: []string{"production"}}
	login := api.SetSecret{SecretPlace: api.SecretPlace{Registry: "ghcr.io", Organization: "octo"}, Username: "bot", Repositories: []string{"shop"}}
	binary := "\x00\xff\r\n" + strings.Repeat("x", 1100) + "\n"
	for _, a := range []asked{{set, binary}, {login, "p"}} {
		if got, err := client.SetSecret(t.Context(), a.Set, []byte(a.Value)); err != nil || !cmp.Equal(got, kept) {
			t.Errorf("set %+v, %v", got, err)
		}
	}
	if got, err := client.RemoveSecret(t.Context(), kept.SecretPlace); err != nil || !cmp.Equal(got, kept) {
		t.Errorf("removed %+v, %v", got, err)
	}
	if diff := cmp.Diff([]any{asked{set, binary}, asked{login, "p"}, kept.SecretPlace}, s.asked); diff != "" {
		t.Errorf("what arrived (-want +got)\n%s", diff)
	}
	if page, err := client.Secrets(t.Context(), api.SecretPlace{Repository: "octo/shop"}); err != nil || !cmp.Equal(page.Items, []api.Secret{kept}) {
		t.Errorf("list %+v, %v", page, err)
	}
	if page, err := client.Secrets(t.Context(), api.SecretPlace{Organization: "octo"}); err != nil || page.Items == nil || len(page.Items) > 0 {
		t.Errorf("empty list %+v, %v", page, err)
	}
	if rotated, err := client.RotateSecrets(t.Context()); err != nil || rotated.Secrets != 3 {
		t.Errorf("rotated %+v, %v", rotated, err)
	}
}

// TestBadSecrets asks that what makes no sense is refused before anything is kept, and
// that no refusal repeats a value.
func TestBadSecrets(t *testing.T) {
	s := newShelf()
	server, _ := serve(t, s)
	for _, c := range []struct {
		request, body string
		status        int
		want          string
	}{
		{"PUT /secrets?value=hunter2", "", 422, `no parameter "value"`},
		{"PUT /secrets?name=A&name=B", "hunter2", 422, "2 times"},
		{"PUT /secrets?name=A&repository=shop", "hunter2", 422, "OWNER/NAME"},
		{"PUT /secrets?repository=octo/shop&name=" + strings.Repeat("A", 1001), "hunter2", 422, "1001 characters"},
		{"PUT /secrets?name=A&repository=octo/shop", strings.Repeat("hunter2", 10_000), 413, "65536 bytes"},
		{"PUT /secrets?name=A&repository=octo/shop&pipelines=", "hunter2", 422, "pipelines is empty"},
		{"PUT /secrets?name=A&repository=octo/shop&stages=,", "hunter2", 422, "stages is empty"},
		{"DELETE /secrets?name=A&username=u", "", 422, `no parameter "username"`},
		{"GET /secrets?name=A", "", 422, `no parameter "name"`},
		{"POST /secrets", "", 405, "GET or PUT or DELETE"},
		{"POST /secrets/rotate?x=1", "", 422, "x"},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		resp, no := request(t, server, method, api.Prefix+path, c.body)
		if resp.StatusCode != c.status || !strings.Contains(no.Message, c.want) || c.body != "" && strings.Contains(no.Message, "hunter2") {
			t.Errorf("%s: %d %+v", c.request, resp.StatusCode, no)
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("it was carried out: %v", s.asked)
	}
}
