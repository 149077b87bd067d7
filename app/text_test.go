package app

import "testing"

func TestHarmless(t *testing.T) {
	for text, want := range map[string]string{
		"@alice may not":            "@\u200balice may not",
		"the form is `/run [NAME]`": "the form is `/run [NAME]`",
		"`a` and @bob, `@b`":        "`a` and @\u200bbob, `@b`",
		"one ` @alice":              "one \\` @\u200balice",
		"``` @alice `":              "\\`\\`\\` @\u200balice \\`",
		`x\` + "`@alice` `@bob":     `x\\` + "\\`@\u200balice\\` \\`@\u200bbob",
		`x\` + "`@alice`":           `x\\` + "`@alice`",
		`\[a\](https://b)`:          `\\\[a\\\](https://b)`,
		"a\n\n# b <img>":            "a \\# b &lt;img&gt;",
	} {
		if got := harmless(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
