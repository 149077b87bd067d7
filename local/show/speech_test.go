package show

import "testing"

func TestSpeech(t *testing.T) {
	s := speech{}
	for _, c := range []struct {
		action, line, want string
		tone               colour
	}{
		{"a", "text", "text", plain},
		{"a", "::error file=a.go,line=3::it%0Abroke", "error: a.go:3: it broke", red},
		{"a", "::group::Compile", "Compile", bold},
		{"a", "::endgroup::", "", plain},
		{"a", "::stop-commands::word", "::stop-commands::word", grey},
		{"a", "::error::text", "::error::text", plain},
		{"b", "::notice::of another action", "notice: of another action", blue},
		{"a", "::word::", "::word::", grey},
		{"a", "::warning::again", "warning: again", yellow},
	} {
		got, tone := s.read("build", c.action, []byte(c.line))
		if string(got) != c.want || tone != c.tone || (got == nil) != (c.want == "") {
			t.Errorf("%s: got %q in %q, want %q in %q", c.line, got, tone, c.want, c.tone)
		}
	}
}
