package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/config"
)

func TestSignInSettings(t *testing.T) {
	const id, secret = "STAGEGATE_GITHUB_CLIENT_ID=Iv23.abc", "STAGEGATE_GITHUB_CLIENT_SECRET=hunter2hunter2"
	https := "STAGEGATE_PUBLIC_URL=https://ci.example"
	s := mustLoad(t, required(id, secret, https), nil)
	if s.GitHubClientID != "Iv23.abc" || s.GitHubClientSecret.Reveal() != "hunter2hunter2" || strings.Contains(s.String(), "hunter2") {
		t.Errorf("settings: %s", s)
	}
	mustLoad(t, required(id, secret), nil)
	mustLoad(t, required(id, secret, "STAGEGATE_PUBLIC_URL=http://[::1]:80"), nil)
	for _, c := range []struct {
		given []string
		name  string
		want  string
	}{
		{[]string{id, https}, "STAGEGATE_GITHUB_CLIENT_SECRET", "is missing"},
		{[]string{secret, https}, "STAGEGATE_GITHUB_CLIENT_ID", "is missing"},
		{[]string{id, secret, "STAGEGATE_PUBLIC_URL=http://ci.example"}, "STAGEGATE_PUBLIC_URL", "https"},
		{[]string{id, secret, "STAGEGATE_PUBLIC_URL=http://127.0.0.1.ci.example"}, "STAGEGATE_PUBLIC_URL", "https"},
		{[]string{"STAGEGATE_GITHUB_CLIENT_ID=a b", secret, https}, "STAGEGATE_GITHUB_CLIENT_ID", "no client ID"},
	} {
		found := problems(t, required(c.given...), nil)
		if len(found) == 0 || found[0].Name != c.name || !strings.Contains(found[0].Message, c.want) || strings.Contains(found.Error(), "hunter2") {
			t.Errorf("%v: %v", c.given, found)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	s := mustLoad(t, required("STAGEGATE_TRUSTED_PROXIES=10.1.2.3/8, 192.0.2.1,fd00::/8"), nil)
	if got := fmt.Sprint(s.Proxies()); got != "[10.0.0.0/8 192.0.2.1/32 fd00::/8]" {
		t.Errorf("proxies: %s", got)
	}
	if got := mustLoad(t, required(), nil).Proxies(); len(got) > 0 {
		t.Errorf("by default %v are trusted", got)
	}
	found := problems(t, required("STAGEGATE_TRUSTED_PROXIES=10.0.0.0/8,proxy"), nil)
	if !slices.ContainsFunc(found, func(p config.Problem) bool {
		return p.Name == "STAGEGATE_TRUSTED_PROXIES" && strings.Contains(p.Message, `"proxy"`)
	}) {
		t.Errorf("problems: %v", found)
	}
}
