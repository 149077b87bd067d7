package githubtest

import (
	"slices"
	"strings"
)

func createReaction(c *call) answer {
	var q struct{ Content string }
	c.decode(&q)
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	one := c.commentAsked()
	if one == nil {
		return notFound()
	}
	for _, reaction := range one.reactions {
		if reaction.User == c.g.bot.login && reaction.Content == q.Content {
			return ok(c.g.reactionObject(reaction))
		}
	}
	reaction := Reaction{ID: c.g.id(), User: c.g.bot.login, Content: q.Content, CreatedAt: c.g.now()}
	one.reactions = append(one.reactions, reaction)
	c.g.notify()
	return created(c.g.reactionObject(reaction))
}

func listReactions(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	one := c.commentAsked()
	if one == nil {
		return notFound()
	}
	list := slices.DeleteFunc(slices.Clone(one.reactions), func(reaction Reaction) bool {
		return c.query("content") != "" && reaction.Content != c.query("content")
	})
	return listed(c, list, c.g.reactionObject)
}

func deleteReaction(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	one := c.commentAsked()
	if one == nil {
		return notFound()
	}
	before := len(one.reactions)
	one.reactions = slices.DeleteFunc(one.reactions, func(reaction Reaction) bool { return reaction.ID == c.number("reaction_id") })
	if len(one.reactions) == before {
		return notFound()
	}
	c.g.notify()
	return noContent()
}

func (g *GitHub) reactionObject(reaction Reaction) object {
	return object{
		"id": reaction.ID, "node_id": nodeID("Reaction", reaction.ID), "content": reaction.Content,
		"user": g.userObject(g.accounts[strings.ToLower(reaction.User)]), "created_at": stamp(reaction.CreatedAt),
	}
}
