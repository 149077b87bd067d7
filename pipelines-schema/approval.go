package schema

import (
	"path"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// approval reads who may open a gate.
func (p *parser) approval(n node) *pipeline.Approval {
	a := &pipeline.Approval{Expires: pipeline.DefaultApprovalExpiry}
	if n.null {
		return a
	}
	ok := p.each(n, inApproval, func(key, value node) {
		switch key.text {
		case "users":
			a.Users = p.people(value, "users", p.login)
		case "teams":
			a.Teams = p.people(value, "teams", p.team)
		case "count":
			p.count(value)
		case "expires":
			a.Expires = p.period(value, "expires", longestExpiry)
		case "self-review":
			a.SelfReview = p.boolean(value, key.text)
		default:
			p.approvalLater(key, value)
		}
	})
	if !ok {
		p.report(n.at, "write {} for people with write access, or users and teams under it", "approval must be a mapping, not %s", n.kind)
	}
	return a
}

func (p *parser) people(n node, what string, check func(node)) []string {
	var names []string
	for _, item := range p.distinct(p.some(n, what, "leave it out, and people with write access may approve"), what, strings.ToLower) {
		check(item)
		names = append(names, item.text)
	}
	return names
}

func (p *parser) login(n node) {
	if loginPattern.MatchString(n.text) {
		return
	}
	hint := ""
	if bare := strings.TrimPrefix(n.text, "@"); loginPattern.MatchString(bare) {
		hint = "write " + bare
	}
	p.report(n.at, hint, "%s is not a GitHub login", quote(n.text))
}

func (p *parser) team(n node) {
	if slugPattern.MatchString(n.text) {
		return
	}
	slug := strings.ToLower(strings.ReplaceAll(path.Base(n.text), " ", "-"))
	hint := "the last part of the team's address"
	if slugPattern.MatchString(slug) {
		hint = "write " + slug
	}
	if strings.Contains(n.text, "/") {
		p.report(n.at, hint, "%s is more than a team's slug: teams are those of the repository's organization", quote(n.text))
		return
	}
	p.report(n.at, hint, "%s is not the slug of a team", quote(n.text))
}

// approvalLater reads a key of an approval that is not carried out yet.
func (p *parser) approvalLater(key, n node) {
	switch key.text {
	case "permission":
		p.oneOf(n, "permission", "write", "maintain", "admin")
	case "code-owners":
		p.boolean(n, key.text)
	case "all-of", "any-of":
		p.groups(n, key.text)
	case "instructions":
		p.word(n, key.text)
	case "reject-count":
		if text, ok := p.word(n, key.text); ok && !whole.MatchString(text) {
			p.report(n.at, "write a number, such as 2", "reject-count must be a whole number, not %s", quote(text))
		}
	case "environment":
		p.name(n, "an environment")
	case "form":
		if n.kind != mapping {
			p.report(n.at, "write the name of each field and what it asks for", "form must be a mapping, not %s", n.kind)
		}
	}
}

// groups reads people of whom all or any must approve.
func (p *parser) groups(n node, what string) {
	if n.kind != list {
		p.report(n.at, "write each as an entry that begins with -", "%s must be a list, not %s", what, n.kind)
		return
	}
	for _, item := range n.items {
		ok := p.each(item, inGroup, func(key, value node) {
			switch key.text {
			case "users":
				p.people(value, "users", p.login)
			case "teams":
				p.people(value, "teams", p.team)
			case "count":
				if text, ok := p.word(value, "count"); ok && !whole.MatchString(text) {
					p.report(value.at, "write 1", "count must be a whole number, not %s", quote(text))
				}
			}
		})
		if !ok {
			p.report(item.at, "write - users: [octocat]", "an entry of %s must be a mapping, not %s", what, item.kind)
		}
	}
}
