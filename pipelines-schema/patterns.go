package schema

import (
	"math"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

const (
	longestPattern  = 255 // bytes
	mostAlternation = 64  // texts that the braces of a pattern stand for
	mostPatterns    = 100 // of a list: each is held to every file that changed
)

// What patterns are of, as people are told.
const (
	branchNames = "branch names"
	tagNames    = "tag names"
	filePaths   = "paths"
)

// globs reads patterns of branches, tags or paths. The last one that matches
// decides, and ! in front excludes; in a list of what to ignore it cannot.
func (p *parser) globs(n node, what, of string) []string {
	var patterns []string
	includes := false
	ignores := strings.HasSuffix(what, "-ignore")
	items := p.some(n, what, "leave it out to match all")
	if len(items) > mostPatterns {
		p.report(n.at, "write fewer, with * and **", "%s has more than %d patterns", what, mostPatterns)
		return nil
	}
	for _, item := range items {
		text := strings.TrimPrefix(item.text, "!")
		if ignores && text != item.text {
			p.report(item.at, "leave out !", "%s leaves out what it lists, so ! has no place in it", what)
		} else if message, hint := wrongPattern(text, of); message != "" {
			p.report(item.at, hint, "%s %s", quote(item.text), message)
		}
		includes = includes || text == item.text
		patterns = append(patterns, item.text)
	}
	if len(patterns) > 0 && len(items) >= len(n.items) && !includes && !ignores {
		p.report(n.at, `put "**" in front to start from all others`, "%s only excludes: nothing would match", what)
	}
	return patterns
}

// wrongPattern says what is wrong with a pattern, or nothing. Braces multiply
// the work of matching, so that what they stand for is bounded.
func wrongPattern(pattern, of string) (message, hint string) {
	switch {
	case pattern == "", !doublestar.ValidatePattern(pattern):
		return "is not a pattern of " + of, "* stands for anything but /, ** for anything"
	case len(pattern) > longestPattern:
		return "is too long for a pattern of " + of, "write several, or use *"
	case alternation(pattern) > mostAlternation:
		return "stands for too many " + of, "write several patterns, with fewer braces in each"
	case tornStars(pattern):
		return "has ** beside other characters, where it stands for no more than *", "** stands alone between two /, as in **/*.md"
	case of == branchNames && strings.HasPrefix(pattern, "refs/heads/"):
		return "never matches: the name of a branch has no refs/heads/", "write " + show(strings.TrimPrefix(pattern, "refs/heads/"))
	case of == tagNames && strings.HasPrefix(pattern, "refs/tags/"):
		return "never matches: the name of a tag has no refs/tags/", "write " + show(strings.TrimPrefix(pattern, "refs/tags/"))
	case of == filePaths && (strings.HasPrefix(pattern, "/") || strings.HasPrefix(pattern, "./")):
		return "never matches: paths begin at the root of the repository", "write " + show(strings.TrimPrefix(strings.TrimPrefix(pattern, "."), "/"))
	}
	return "", ""
}

// tornStars tells whether a pattern has ** that is not all of a part between two
// slashes. GitHub Actions reads such as anything, and the matcher as *.
func tornStars(pattern string) bool {
	for at := 0; ; {
		i := strings.Index(pattern[at:], "**")
		if i < 0 {
			return false
		}
		i += at
		at = i + 2
		before := i == 0 || strings.ContainsRune(`/{,\`, rune(pattern[i-1]))
		after := at == len(pattern) || strings.ContainsRune("/},", rune(pattern[at]))
		if !before || !after {
			return true
		}
	}
}

// alternation is at least how many texts the braces of a pattern stand for:
// what their commas come to where they are spread evenly.
func alternation(pattern string) float64 {
	braces, commas := strings.Count(pattern, "{"), strings.Count(pattern, ",")
	if braces == 0 {
		return 1
	}
	return math.Pow(float64(commas)/float64(braces)+1, float64(braces))
}
