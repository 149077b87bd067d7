package app_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// visit is one answer that a browser got.
type visit struct {
	status   int
	location string // where it leads
	body     string
	header   http.Header
}

// browser is a person's browser: it keeps cookies, says where its forms come from,
// and follows no redirect unless it is told to.
type browser struct {
	t      *testing.T
	client *http.Client
	home   string // of the dashboard
}

func (w *world) browser() *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{t: w.t, home: "http://" + w.listen, client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (b *browser) do(method, address string, form url.Values, header ...string) visit {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.home + address
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.home)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return visit{resp.StatusCode, resp.Header.Get("Location"), string(body), resp.Header}
}

func (b *browser) get(address string) visit {
	b.t.Helper()
	return b.do(http.MethodGet, address, nil)
}

// signIn goes through GitHub as a person, beginning where they want to go, and returns
// what they see at the end.
func (b *browser) signIn(login, path string) visit {
	b.t.Helper()
	back := b.authorized(login, "/login?return="+url.QueryEscape(path))
	there := b.get(back)
	if there.status != http.StatusSeeOther {
		b.t.Fatalf("%s is not signed in: %d %s", login, there.status, there.body)
	}
	return b.get(there.location)
}

// authorized begins a sign-in and returns where GitHub sends the person back to.
func (b *browser) authorized(login, begin string) string {
	b.t.Helper()
	to := b.get(begin)
	if to.status != http.StatusSeeOther || !strings.Contains(to.location, "/login/oauth/authorize?") {
		b.t.Fatalf("%s leads to %d %q", begin, to.status, to.location)
	}
	if page := b.get(to.location); page.status != http.StatusOK || !strings.Contains(page.body, "Who are you?") {
		b.t.Fatalf("GitHub shows %d %s", page.status, page.body)
	}
	back := b.do(http.MethodPost, to.location, url.Values{"login": {login}}, "Origin", "", "Sec-Fetch-Site", "")
	if back.status != http.StatusFound || !strings.HasPrefix(back.location, b.home+"/login/callback?") {
		b.t.Fatalf("GitHub leads to %d %q", back.status, back.location)
	}
	return back.location
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)">`)

// forms lists the forms of a page by the path they go to, with what they carry.
func (v visit) forms() map[string]url.Values {
	all := map[string]url.Values{}
	for _, form := range regexp.MustCompile(`(?s)<form method="post" action="([^"]+)".*?</form>`).FindAllStringSubmatch(v.body, -1) {
		values := url.Values{}
		for _, field := range hidden.FindAllStringSubmatch(form[0], -1) {
			values.Set(field[1], strings.ReplaceAll(field[2], "&#43;", "+"))
		}
		all[form[1]] = values
	}
	return all
}

// cookies are those that the browser would send to the dashboard.
func (b *browser) cookies() map[string]string {
	at, err := url.Parse(b.home)
	if err != nil {
		b.t.Fatal(err)
	}
	all := map[string]string{}
	for _, c := range b.client.Jar.Cookies(at) {
		all[c.Name] = c.Value
	}
	return all
}

// setCookie plants a cookie.
func (b *browser) setCookie(name, value string) {
	at, err := url.Parse(b.home)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}
