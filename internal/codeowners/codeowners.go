// Package codeowners reads CODEOWNERS files as GitHub does: who owns the files of a
// repository. It is pure, and reads what anybody may have written.
package codeowners

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Paths are where GitHub looks for the file, the first that there is counts.
func Paths() []string { return []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"} }

// Rule gives the files that a pattern matches to owners. Without owners nobody owns
// them.
type Rule struct {
	Pattern string
	Owners  []string // login, organization/team, or an address; without @ in front
	Line    int      // from 1

	matches *regexp.Regexp
}

// Rules are those of a file, in its order.
type Rules []Rule

// Parse reads a file. A line that GitHub would not understand it leaves out, as
// GitHub does; skipped are the numbers of such lines.
func Parse(data []byte) (rules Rules, skipped []int) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	n := 0
	for line := range bytes.Lines(data) {
		n++
		text := strings.Trim(string(line), " \t\r\n")
		if text == "" || text[0] == '#' {
			continue
		}
		rule, ok := parseRule(text)
		if !ok {
			skipped = append(skipped, n)
			continue
		}
		rule.Line = n
		rules = append(rules, rule)
	}
	return rules, skipped
}

func parseRule(text string) (Rule, bool) {
	pattern, rest := splitPattern(text)
	r := Rule{Pattern: pattern}
	for _, word := range strings.Fields(rest) {
		if word[0] == '#' {
			break
		}
		owner, ok := parseOwner(word)
		if !ok {
			return Rule{}, false
		}
		if !slices.Contains(r.Owners, owner) {
			r.Owners = append(r.Owners, owner)
		}
	}
	var ok bool
	r.matches, ok = compile(pattern)
	return r, ok
}

// splitPattern takes the pattern off a line; a space in it has a backslash before it.
func splitPattern(text string) (pattern, rest string) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case ' ', '\t':
			return text[:i], text[i:]
		}
	}
	return text, ""
}

var (
	person  = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
	team    = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`)
	address = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
)

func parseOwner(word string) (string, bool) {
	if len(word) > 320 || !utf8.ValidString(word) {
		return "", false
	}
	if person.MatchString(word) || team.MatchString(word) {
		return word[1:], true
	}
	return word, address.MatchString(word)
}

// Owners are those of a file: of the last rule that matches it.
func (r Rules) Owners(path string) []string {
	for _, rule := range slices.Backward(r) {
		if rule.matches.MatchString(path) {
			return rule.Owners
		}
	}
	return nil
}

// compile makes a pattern's regular expression, which takes linear time. It is false
// for what GitHub does not support: negation, ranges and three asterisks.
func compile(pattern string) (*regexp.Regexp, bool) {
	if strings.ContainsAny(pattern, "[]") || strings.HasPrefix(pattern, "!") || strings.HasPrefix(pattern, `\#`) ||
		strings.Contains(pattern, "***") || !utf8.ValidString(pattern) {
		return nil, false
	}
	parts := segments(pattern)
	if len(parts) == 0 {
		return nil, false
	}
	var b strings.Builder
	b.WriteString(`\A`)
	slash := false // one stands before the next segment
	for i, part := range parts {
		first, last := i == 0, i == len(parts)-1
		if part == "**" {
			switch {
			case first && last:
				b.WriteString(`.+`)
			case first:
				b.WriteString(`(?:.+/)?`)
			case last:
				b.WriteString(`/.+`)
			default:
				b.WriteString(`(?:/.+)?`)
			}
			slash = !first
			continue
		}
		if slash {
			b.WriteString("/")
		}
		b.WriteString(segment(part))
		if last && part != "*" { // a folder's name means all that is in it
			b.WriteString(`(?:/.+)?`)
		}
		slash = true
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile("(?s)" + b.String())
	return re, err == nil
}

// segments are the parts of a pattern between slashes. One that has no slash but at
// its end is looked for in every folder; one at its end means all that is below.
func segments(pattern string) []string {
	anchored := strings.Contains(strings.TrimSuffix(pattern, "/"), "/")
	parts := strings.Split(strings.TrimPrefix(pattern, "/"), "/")
	if !anchored && parts[0] != "**" && parts[0] != "" {
		parts = append([]string{"**"}, parts...)
		if parts[1] == "*" {
			parts = []string{"**"} // every file
		}
	}
	if last := len(parts) - 1; parts[last] == "" {
		parts[last] = "**"
		if last == 0 {
			return nil // a slash alone, which matches nothing
		}
	}
	if slices.Contains(parts, "") {
		return nil
	}
	return parts
}

// segment is the expression of what stands between two slashes.
func segment(part string) string {
	var b strings.Builder
	escaped := false
	for _, r := range part {
		switch {
		case escaped:
			b.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*':
			b.WriteString(`[^/]*`)
		case r == '?':
			b.WriteString(`[^/]`)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	if part == "*" {
		return `[^/]+`
	}
	return b.String()
}

// Set is a set of owners, with the files that have just these.
type Set struct {
	Owners []string
	Files  []string
}

// Sets are those of the files, in the order in which the first file of each came.
// Files without owners are in none.
func (r Rules) Sets(files []string) []Set {
	var all []Set
	for _, file := range files {
		owners := r.Owners(file)
		if len(owners) == 0 {
			continue
		}
		all = add(all, owners, file)
	}
	return all
}

// All are the sets of all rules, with their patterns in place of files.
func (r Rules) All() []Set {
	var all []Set
	for _, rule := range r {
		if len(rule.Owners) > 0 {
			all = add(all, rule.Owners, rule.Pattern)
		}
	}
	return all
}

func add(all []Set, owners []string, file string) []Set {
	key := keyOf(owners)
	i := slices.IndexFunc(all, func(s Set) bool { return keyOf(s.Owners) == key })
	if i < 0 {
		return append(all, Set{Owners: owners, Files: []string{file}})
	}
	if !slices.Contains(all[i].Files, file) {
		all[i].Files = append(all[i].Files, file)
	}
	return all
}

func keyOf(owners []string) string {
	lower := strings.Fields(strings.ToLower(strings.Join(owners, " ")))
	slices.Sort(lower)
	return strings.Join(slices.Compact(lower), " ")
}
