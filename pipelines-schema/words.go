package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/stagegate/stagegate/internal/human"
)

var (
	namePattern     = newPattern(`^[A-Za-z][A-Za-z0-9_-]{0,49}$`)
	variablePattern = newPattern(`^[A-Za-z_][A-Za-z0-9_]*$`)
	loginPattern    = newPattern(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
	imagePattern    = newPattern(`^[A-Za-z0-9]`)
	slugPattern     = newPattern(`^[a-z0-9_][a-z0-9_-]{0,99}$`)
)

// pattern is a regular expression, compiled when it is first asked: to compile
// all of them would delay the start of every command.
type pattern struct {
	text     string
	compiled func() *regexp.Regexp
}

func newPattern(text string) pattern {
	return pattern{text, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

func (p pattern) String() string { return p.text }

func (p pattern) MatchString(text string) bool { return p.compiled().MatchString(text) }

const nameRule = "a letter first, then up to 49 letters, digits, - or _"

// slug is a name made of a text: its letters and digits, with - between.
func slug(text string) string {
	if len(text) > longestShown {
		return ""
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return nameOf(string(r)) == "_" && r != '_' })
	return strings.Join(words, "-")
}

// fold is what two names may not share: names that differ only in case, or in
// - for _, are the same in a variable of the environment.
func fold(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "-", "_")
}

// longestShown is how much of an author's text a message repeats, in bytes.
const longestShown = 60

func show(text string) string { return human.Cut(text, longestShown) }

func quote(text string) string { return fmt.Sprintf("%q", show(text)) }

// enumerate joins words for people: a, b and c. Of very many it shows the
// first.
func enumerate(words []string) string {
	if len(words) > 2*mostShown {
		words = append(slices.Clone(words[:mostShown]), "others")
	}
	var shown []string
	for _, word := range words {
		shown = append(shown, show(word))
	}
	if len(shown) < 2 {
		return strings.Join(shown, "")
	}
	last := len(shown) - 1
	return strings.Join(shown[:last], ", ") + " and " + shown[last]
}

// furthest is the edit distance at which a word is still taken for another.
const furthest = 2

// mostCandidates is how many words are compared with one that is unknown.
const mostCandidates = 1000

// nearest finds the candidate a word was probably meant to be, or "". Words
// that are too long to show are not compared: that costs their product.
func nearest(word string, candidates []string) string {
	best, distance := "", furthest+1
	if len(word) > longestShown {
		return ""
	}
	for _, c := range candidates[:min(len(candidates), mostCandidates)] {
		if len(c) > longestShown {
			continue
		}
		if fold(c) == fold(word) {
			return c
		}
		if d := edits(word, c); d < distance && d < utf8.RuneCountInString(word) {
			best, distance = c, d
		}
	}
	return best
}

// DidYouMean is the hint for a word that is none of the candidates: "did you
// mean NAME?", or nothing where none is near.
func DidYouMean(word string, candidates []string) string {
	if c := nearest(word, candidates); c != "" {
		return fmt.Sprintf("did you mean %s?", c)
	}
	return ""
}

// edits counts the letters to insert, drop, replace or swap to make b of a. It
// may answer anything above furthest when there are more.
func edits(a, b string) int {
	if len(a)-len(b) > 4*furthest || len(b)-len(a) > 4*furthest {
		return furthest + 1
	}
	from, to := []rune(a), []rune(b)
	var before []int
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range from {
		next := make([]int, len(to)+1)
		next[0] = i + 1
		for j := range to {
			cost := 1
			if from[i] == to[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(to)]
}
