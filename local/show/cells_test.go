package show

import "testing"

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"short", 5, "short"},
		{"longer", 5, "long…"},
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"e\u0301te\u0301", 3, "e\u0301te\u0301"},
		{"👍👍👍", 4, "👍…"},
		{"any", 1, "…"},
		{"any", 0, ""},
	} {
		got := cut(c.text, c.n)
		if got != c.want || columns(got) > c.n {
			t.Errorf("cut(%q, %d) = %q, want %q", c.text, c.n, got, c.want)
		}
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"plain é 日":                        "plain é 日",
		"\x1b[1;31mred\x1b[0m":             "red",
		"10%\r20%\r30%\r":                  "30%",
		"\x1b]0;title\aafter":              "after",
		"\x1b]52;c;c2VjcmV0\x1b\\after":    "after",
		"\x1bPq\x1b\\a\x1b(Bb\x1b7":        "aBb",
		"a\tb\bc\x7f\u009b31md":            "a bc31md",
		"\u202edrow\u2066":                 "drow",
		"cut \x1b[38;5":                    "cut ",
		"cut \x1b]0;never ended":           "cut ",
		"\x1b":                             "",
		"\x1b\x1b[31ma":                    "a",
		"\x1b[3\x1b[1mb":                   "b",
		"\x1b[2J\x1b[H\x1b[?1049h\x1b[6n!": "!",
	} {
		if got := clean(text); got != want {
			t.Errorf("clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestColoursStay(t *testing.T) {
	const text = "\x1b[1;38:5:1mred\x1b[0m\x1b[2J\x1b[?25l\x1b[>4;2m"
	if got := filter(text, true); got != "\x1b[1;38:5:1mred\x1b[0m" {
		t.Errorf("%q", got)
	}
}

// FuzzClean asks that nothing is left which a terminal would obey.
func FuzzClean(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m\r\x1b]0;x\a\u009b")
	f.Add("\xc2\u009b\x9b")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range clean(text) {
			if isControl(r) {
				t.Errorf("%q leaves %q", text, r)
			}
		}
		cut(text, 7)
	})
}
