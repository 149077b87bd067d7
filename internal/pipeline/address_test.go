package pipeline

import (
	"strings"
	"testing"
)

func TestAddress(t *testing.T) {
	x := Execution{
		Repository: "octo/shop", Revision: Revision{Branch: "feature/<x>"},
		Definition: Definition{Variables: []Variable{{Name: "HOST", Default: "shop.example"}}, Stages: []Stage{{Name: "production", Actions: []Action{{Name: "roll-out"}}}}},
		Stages: []StageState{{Name: "production", Status: Succeeded, Actions: []ActionState{
			{Name: "roll-out", Status: Succeeded, Outputs: []Value{{Name: "host", Value: "eu.shop.example"}, {Name: "evil", Value: "javascript:alert(1)//"}}},
		}}},
	}
	for text, want := range map[string]string{
		"":                               "",
		"https://${{ variables.HOST }}/": "https://shop.example/",
		"http://${{ production.roll-out.host }}:8080/a?b=c#d": "http://eu.shop.example:8080/a?b=c#d",
		"${{ production.roll-out.evil }}":                     "! must begin with https:// or http://",
		"https://${{ production.roll-out.nothing }}":          "! nothing",
		"https://shop.example/${{ source.branch }}":           "! characters that addresses have",
		"https://user:secret@shop.example":                    "! without a user",
		"https://shop.example@evil.example/":                  "! without a user",
		"https://shop.example\\@evil.example/":                "! without a user",
		"ftp://shop.example":                                  "! must begin with https://",
		"https:///path":                                       "! must be a host",
		"//shop.example":                                      "! must begin with https://",
		"https://shop.example/\n":                             "! characters that addresses have",
		"https://shop.example/" + strings.Repeat("x", 2000):   "! has more than 2000 bytes",
	} {
		x.Definition.Stages[0].Address = text
		got, err := x.Address(0)
		if problem, refused := strings.CutPrefix(want, "! "); refused {
			if err == nil || !strings.Contains(err.Error(), problem) {
				t.Errorf("%q: %q, %v; want %q", text, got, err, problem)
			}
		} else if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}
