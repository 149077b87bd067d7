package github

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPeopleByAddress(t *testing.T) {
	for email, want := range map[string][]string{
		"Ann@users.noreply.github.com":                      {"ann"},
		"123+Ann-Lee@users.noreply.github.com":              {"ann-lee"},
		"49699333+dependabot[bot]@users.noreply.github.com": {"dependabot[bot]"},
		"1+ann_corp@users.noreply.github.example.com":       {"ann_corp"},
		" ann@users.noreply.github.com ":                    {"ann"},
		"noreply@github.com":                                nil,
		"ann@example.com":                                   nil,
		"ann@users.noreply.github.com@evil.example":         nil,
		"x+y+ann@users.noreply.github.com":                  nil,
		"":                                                  nil,
	} {
		who := people{}
		who.address(email)
		if diff := cmp.Diff(want, who.sorted()); diff != "" {
			t.Errorf("%q: %s", email, diff)
		}
	}
}

func TestPeopleByTrailer(t *testing.T) {
	who := people{}
	who.trailers("Fix it\n\nCo-authored-by: Ann <1+Ann@users.noreply.github.com>\r\n" +
		"co-authored-BY:Bob<bob@users.noreply.github.com>\n" +
		"  Co-authored-by: Cem <cem@example.com>\n" +
		"Not-Co-authored-by: Dan <dan@users.noreply.github.com>\n" +
		"Co-authored-by: Eve eve@users.noreply.github.com\n" +
		"Co-authored-by: Fay <>\nCo-authored-by: <fay@users.noreply.github.com>")
	if diff := cmp.Diff([]string{"ann", "bob", "fay"}, who.sorted()); diff != "" {
		t.Error(diff)
	}
}
