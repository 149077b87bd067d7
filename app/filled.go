package app

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// longestReason is how many characters a person's own words may have.
const longestReason = 1000

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*=`)

// filledIn takes the words after an answer to an approval apart: which one and SHA,
// the values of its form, and, after --, the reason. A value with spaces stands in
// double quotes, in which \" and \\ are a quote and a backslash.
func (c command) filledIn() (args []string, values []pipeline.Value, reason string, err error) {
	rest := strings.TrimSpace(c.rest)
	for rest != "" {
		if after, ok := strings.CutPrefix(rest, "--"); ok && (after == "" || after[0] == ' ' || after[0] == '\t') {
			reason = strings.TrimSpace(after)
			break
		}
		name := strings.TrimSuffix(fieldName.FindString(rest), "=")
		if name == "" {
			word := rest[:wordEnd(rest)]
			args, rest = append(args, word), strings.TrimSpace(rest[len(word):])
			continue
		}
		value, after, ok := quotedValue(rest[len(name)+1:])
		if !ok {
			return nil, nil, "", c.mistold(`; the value of ` + name + ` is not closed by "`)
		}
		values = append(values, pipeline.Value{Name: name, Value: value})
		rest = strings.TrimSpace(after)
	}
	if utf8.RuneCountInString(reason) > longestReason {
		return nil, nil, "", refused(codeInvalid, "the reason has more than %d characters", longestReason)
	}
	return args, values, reason, nil
}

func wordEnd(text string) int {
	if end := strings.IndexAny(text, " \t"); end >= 0 {
		return end
	}
	return len(text)
}

// quotedValue reads a value off the beginning of a text.
func quotedValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := wordEnd(text)
		return text[:end], text[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			rest := text[i+1:]
			return b.String(), rest, rest == "" || rest[0] == ' ' || rest[0] == '\t'
		case c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// valuesOf are values that came by name, in the order of their names.
func valuesOf(given map[string]string) []pipeline.Value {
	var all []pipeline.Value
	for _, name := range slices.Sorted(maps.Keys(given)) {
		all = append(all, pipeline.Value{Name: name, Value: given[name]})
	}
	return all
}
