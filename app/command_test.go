package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommands(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		want       []string
	}{
		{"alone", "/approve production", []string{"/approve production"}},
		{"bare", "/approve", []string{"/approve"}},
		{"crlf", "Fine.\r\n/approve production\r\nThanks", []string{"/approve production"}},
		{"two", "/approve a\n/reject b", []string{"/approve a", "/reject b"}},
		{"trailing space", "/approve production  \t", []string{"/approve production  \t"}},
		{"stop", "/stop", []string{"/stop"}},
		{"indented", " /approve", nil},
		{"in a sentence", "please /approve this", nil},
		{"longer word", "/approved", []string{"/approved"}}, // a slip
		{"upper case", "/APPROVE", []string{"/APPROVE"}},
		{"other bots'", "/retest\n/lgtm\n/improve\n/rerun\n/hold\n/start\n/ok\n/ru", nil},
		{"quote", "> /approve", nil},
		{"lazy quote", "> do it\n/approve", nil},
		{"after a quote", "> do it\n\n/approve", []string{"/approve"}},
		{"after an empty quote line", "> do it\n>\n/approve", []string{"/approve"}},
		{"fence", "```\n/approve\n```", nil},
		{"fence with language", "```sh\n/approve\n```\n/reject", []string{"/reject"}},
		{"longer fence", "````\n```\n/approve\n````\n", nil},
		{"tilde fence", "~~~\n/approve\n```\n/approve\n~~~", nil},
		{"open fence", "```\n/approve", nil},
		{"inline code is no fence", "```x``` y\n/approve", []string{"/approve"}},
		{"indented code", "    /approve", nil},
		{"html comment", "<!-- hi\n/approve\n-->\n/reject", []string{"/reject"}},
		{"html comment on one line", "<!-- hi -->\n/approve", []string{"/approve"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, c := range commands(tc.body) {
				got = append(got, c.line)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSlips(t *testing.T) {
	for said, meant := range map[string]string{
		"aprove": "approve", "approove": "approve", "apporve": "approve", "approve": "approve", "appruve": "approve", "Approve": "approve",
		"RUN": "run", "rnu": "", "improve": "", "disapprove": "", "": "", "s": "", "sotp": "stop", "helps": "help",
	} {
		v, ours := verbMeant(said)
		form, _, _ := strings.Cut(v.form, " ")
		if ours != (meant != "") || ours && form != "/"+meant {
			t.Errorf("%q is taken for %q, want %q", said, form, meant)
		}
		if slipped := ours && v.does == ""; slipped != (meant != "" && said != meant) {
			t.Errorf("%q is a slip: %v", said, slipped)
		}
	}
}

func FuzzCommands(f *testing.F) {
	f.Add("> a\n/approve x\n```\n/stop\n```")
	f.Fuzz(func(t *testing.T, body string) {
		for _, c := range commands(body) {
			if !strings.HasPrefix(c.line, "/") {
				t.Errorf("command %q does not start at column one", c.line)
			}
			if len(commands("> "+c.line)) != 0 || len(commands("```\n"+c.line+"\n```")) != 0 {
				t.Errorf("command %q counts inside a quote or code", c.line)
			}
		}
	})
}
