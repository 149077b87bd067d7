package app

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestFilledIn takes what follows /approve apart.
func TestFilledIn(t *testing.T) {
	for _, tc := range []struct {
		rest   string
		args   []string
		values []pipeline.Value
		reason string
		wrong  bool
	}{
		{"", nil, nil, "", false},
		{"production abc1234", []string{"production", "abc1234"}, nil, "", false},
		{`A=1 B="two  words" production`, []string{"production"}, []pipeline.Value{{Name: "A", Value: "1"}, {Name: "B", Value: "two  words"}}, "", false},
		{`A="say \"hi\" \\ \n"`, nil, []pipeline.Value{{Name: "A", Value: `say "hi" \ \n`}}, "", false},
		{`A= B=""`, nil, []pipeline.Value{{Name: "A"}, {Name: "B"}}, "", false},
		{`A=b=c`, nil, []pipeline.Value{{Name: "A", Value: "b=c"}}, "", false},
		{`production -- A=1 "and so on -- yes`, []string{"production"}, nil, `A=1 "and so on -- yes`, false},
		{"--", nil, nil, "", false},
		{"--force", []string{"--force"}, nil, "", false},
		{"1A=2", []string{"1A=2"}, nil, "", false},
		{`A="open`, nil, nil, "", true},
		{`A="x"y`, nil, nil, "", true},
		{"-- " + strings.Repeat("é", 1001), nil, nil, "", true},
	} {
		args, values, reason, err := command{rest: tc.rest}.filledIn()
		if tc.wrong {
			var no refusal
			if !errors.As(err, &no) {
				t.Errorf("%.40s: %v", tc.rest, err)
			}
			continue
		}
		if err != nil || !slices.Equal(args, tc.args) || !slices.Equal(values, tc.values) || reason != tc.reason {
			t.Errorf("%s: %q, %q, %q, %v", tc.rest, args, values, reason, err)
		}
	}
}

// FuzzFilledIn reads any line, and any value that is quoted as it is to be.
func FuzzFilledIn(f *testing.F) {
	f.Add(`production V="1 2" -- why`, "v")
	f.Add(`"`, `\"`)
	f.Fuzz(func(t *testing.T, rest, value string) {
		args, values, _, err := command{rest: rest}.filledIn()
		if err == nil && len(args)+len(values) > len(rest) {
			t.Errorf("%q has %d arguments and %d values", rest, len(args), len(values))
		}
		said := `A="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `" x`
		args, values, _, err = command{rest: said}.filledIn()
		if err != nil || len(values) != 1 || values[0].Value != value || !slices.Equal(args, []string{"x"}) {
			t.Errorf("%q is read as %q, %q, %v", said, args, values, err)
		}
	})
}
