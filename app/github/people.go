package github

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"
)

// people collects logins, in lower case.
type people map[string]bool

func (p people) login(s string) {
	if s != "" {
		p[strings.ToLower(s)] = true
	}
}

// GitHub's private addresses, old form and new: LOGIN@users.noreply.HOST and
// ID+LOGIN@users.noreply.HOST. On a GitHub Enterprise Server HOST is its own.
var noreply = regexp.MustCompile(`(?i)^(?:\d+\+)?([a-z\d_-]+(?:\[bot\])?)@users\.noreply\.[a-z\d.-]+$`)

// address counts an address at which GitHub itself names the login.
func (p people) address(email string) {
	if m := noreply.FindStringSubmatch(strings.TrimSpace(email)); m != nil {
		p.login(m[1])
	}
}

var coAuthor = regexp.MustCompile(`(?im)^[ \t]*co-authored-by:[^<\r\n]*<([^>\r\n]*)>`)

// trailers counts the co-authors whom a commit message names.
func (p people) trailers(message string) {
	for _, m := range coAuthor.FindAllStringSubmatch(message, -1) {
		p.address(m[1])
	}
}

func (p people) commit(c *gh.RepositoryCommit) {
	p.login(c.GetAuthor().GetLogin())
	p.login(c.GetCommitter().GetLogin())
	p.address(c.GetCommit().GetAuthor().GetEmail())
	p.address(c.GetCommit().GetCommitter().GetEmail())
	p.trailers(c.GetCommit().GetMessage())
}

func (p people) sorted() []string { return slices.Sorted(maps.Keys(p)) }
