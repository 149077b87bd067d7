package schema

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// approval reads who may open a gate.
func (p *parser) approval(to *formulas, n node) *pipeline.Approval {
	a := &pipeline.Approval{Expires: pipeline.DefaultApprovalExpiry}
	if n.null {
		return a
	}
	var own pipeline.Group
	ok := p.each(n, inApproval, func(key, value node) {
		switch key.text {
		case "all-of":
			a.AllOf = p.groups(value, key.text)
		case "any-of":
			a.AnyOf = p.groups(value, key.text)
		case "expires":
			a.Expires = p.period(value, "expires", longestExpiry)
		case "self-review":
			a.SelfReview = p.boolean(value, key.text)
		case "reject-count":
			a.RejectCount = p.howMany(value, key.text)
		case "instructions":
			a.Instructions = p.instructions(to, value)
		case "form":
			a.Form = p.form(value)
		case "environment":
			a.Environment, _ = p.name(value, "an environment")
		default:
			p.group(&own, key, value)
		}
	})
	if !ok {
		p.report(n.at, "write {} for people with write access, or users and teams under it", "approval must be a mapping, not %s", n.kind)
		return a
	}
	p.oneKind(n)
	a.Users, a.Teams, a.Permission, a.CodeOwners, a.Count = own.Users, own.Teams, own.Permission, own.CodeOwners, own.Count
	p.oneReview(n, *a)
	return a
}

// oneReview reports what a review at GitHub cannot give, where nothing else counts.
func (p *parser) oneReview(n node, a pipeline.Approval) {
	if !a.ReviewersAlone() {
		return
	}
	if count, ok := n.get("count"); ok && a.Count > 1 {
		p.report(count.at, "name users or teams beside it, or leave count out", "an environment gives one review, so count cannot be %d", a.Count)
	}
	form, _ := n.get("form")
	for _, f := range a.Form {
		if f.Required {
			p.report(form.at, "give it a default, or name users or teams beside the environment", "nobody can fill in %s: a review at GitHub has no form", f.Name)
		}
	}
}

// ofGroup are the keys of an approval that make its people one group.
var ofGroup = []string{"users", "teams", "permission", "code-owners", "count"}

// oneKind reports groups beside people of the approval's own, or beside others.
func (p *parser) oneKind(n node) {
	_, all := n.get("all-of")
	second, one := n.get("any-of")
	if all && one {
		p.report(second.at, "write two approvals, of which one needs the other", "an approval has all-of or any-of, not both")
	}
	if !all && !one {
		return
	}
	for _, pair := range n.pairs {
		if slices.Contains(ofGroup, pair.key.text) {
			p.report(pair.key.at, "put it into a group of its own", "an approval with all-of or any-of has its people there: it cannot have %s", pair.key.text)
		}
	}
}

// group reads a key of what describes a group of people.
func (p *parser) group(g *pipeline.Group, key, n node) {
	switch key.text {
	case "users":
		g.Users = p.people(n, "users", p.login)
	case "teams":
		g.Teams = p.people(n, "teams", p.team)
	case "permission":
		g.Permission = pipeline.Permission(p.oneOf(n, "permission", string(pipeline.Write), string(pipeline.Maintain), string(pipeline.Admin)))
	case "code-owners":
		g.CodeOwners = p.boolean(n, key.text)
	case "count":
		g.Count = p.howMany(n, "count")
	}
}

// mostPeople is how many an approval may ask for, and how many groups.
const mostPeople = 50

// howMany reads how many people; 0 stands for 1, which is usual.
func (p *parser) howMany(n node, what string) int {
	text, ok := p.word(n, what)
	if !ok {
		return 0
	}
	number, err := strconv.Atoi(text)
	switch {
	case !whole.MatchString(text):
		p.report(n.at, "write a number, such as 2", "%s must be a whole number, not %s", what, quote(text))
	case err != nil || number > mostPeople:
		p.report(n.at, "", "%s is at most %d", what, mostPeople)
	case number > 1:
		return number
	}
	return 0
}

// longestInstructions is in bytes.
const longestInstructions = 10000

func (p *parser) instructions(to *formulas, n node) string {
	text, ok := p.template(to, n, "instructions")
	switch {
	case !ok:
	case n.null || strings.TrimSpace(text) == "":
		p.report(n.at, "write what who decides is to look at", "instructions is empty")
	case len(text) > longestInstructions:
		p.report(n.at, "write them into a file of the repository, and its address here", "instructions has at most %d bytes", longestInstructions)
	}
	return text
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

// groups reads people of whom all or any must approve.
func (p *parser) groups(n node, what string) []pipeline.Group {
	switch {
	case n.kind != list:
		p.report(n.at, "write each as an entry that begins with -", "%s must be a list, not %s", what, n.kind)
		return nil
	case len(n.items) == 0:
		p.report(n.at, "leave it out, and people with write access may approve", "%s is empty", what)
		return nil
	case len(n.items) > mostPeople:
		p.report(n.at, "", "%s has at most %d groups", what, mostPeople)
		return nil
	}
	var all []pipeline.Group
	for _, item := range n.items {
		var g pipeline.Group
		if !p.each(item, inGroup, func(key, value node) { p.group(&g, key, value) }) {
			p.report(item.at, "write - users: [octocat]", "an entry of %s must be a mapping, not %s", what, item.kind)
		}
		all = append(all, g)
	}
	return all
}
