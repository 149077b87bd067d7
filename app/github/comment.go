package github

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	gh "github.com/google/go-github/v60/github"
)

type commentBody struct {
	Body string `json:"body"`
}

// commentOf is a comment with the field that go-github leaves out.
type commentOf struct {
	ID   int64   `json:"id"`
	Body string  `json:"body"`
	User account `json:"user"`
	Via  *owned  `json:"performed_via_github_app"`
}

// CreateComment comments on an issue or a pull request. A body over GitHub's
// limit is cut.
func (c *Client) CreateComment(ctx context.Context, repo Repository, n int, body string) (id int64, err error) {
	r := onRepo(repo, "comment on "+strconv.Itoa(n), "issues", strconv.Itoa(n), "comments").
		sending(http.MethodPost, commentBody{cutMarkdown(body, maxMarkdown)})
	got, _, err := send[*gh.IssueComment](ctx, c, r)
	return got.GetID(), err
}

// EditComment replaces the text of a comment of ours.
func (c *Client) EditComment(ctx context.Context, repo Repository, id int64, body string) error {
	r := onComment(repo, "edit", id).sending(http.MethodPatch, commentBody{cutMarkdown(body, maxMarkdown)})
	_, _, err := send[struct{}](ctx, c, r)
	return err
}

// FindComment finds the first comment that the App wrote and that contains
// marker; others may quote it, and do not count.
func (c *Client) FindComment(ctx context.Context, repo Repository, n int, marker string) (id int64, found bool, err error) {
	var candidates []commentOf
	r := onRepo(repo, "list the comments on "+strconv.Itoa(n), "issues", strconv.Itoa(n), "comments")
	err = pages(ctx, c, r, func(list []commentOf) bool {
		for _, one := range list {
			if strings.Contains(one.Body, marker) && one.User.bot() {
				candidates = append(candidates, one)
			}
		}
		return true
	})
	if err != nil {
		return 0, false, err
	}
	for _, one := range candidates {
		if ours, err := c.wrote(ctx, one); err != nil || ours {
			return one.ID, ours, err
		}
	}
	return 0, false, nil
}

// wrote tells whether the App wrote a bot's comment, by its id where GitHub
// says it, else by its login, which is its slug and [bot].
func (c *Client) wrote(ctx context.Context, one commentOf) (bool, error) {
	if one.Via != nil {
		return one.Via.ID == c.appID, nil
	}
	slug, err := c.Slug(ctx)
	return err == nil && strings.EqualFold(one.User.Login, slug+"[bot]"), err
}

// Slug is the App's name in addresses. It is asked once.
func (c *Client) Slug(ctx context.Context) (string, error) {
	c.mu.Lock()
	slug := c.slug
	c.mu.Unlock()
	if slug != "" {
		return slug, nil
	}
	got, _, err := send[*gh.App](ctx, c, asApp("read the App", "app"))
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.slug = got.GetSlug()
	c.mu.Unlock()
	return got.GetSlug(), nil
}

// React puts a reaction under a comment: +1, -1, rocket or confused. Done
// twice it is there once.
func (c *Client) React(ctx context.Context, repo Repository, comment int64, content string) error {
	r := onComment(repo, "react to", comment, "reactions").
		sending(http.MethodPost, map[string]string{"content": content})
	_, _, err := send[struct{}](ctx, c, r)
	return err
}

func onComment(repo Repository, verb string, id int64, segments ...string) request {
	number := strconv.FormatInt(id, 10)
	return onRepo(repo, verb+" comment "+number, append([]string{"issues", "comments", number}, segments...)...)
}
