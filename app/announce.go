package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// announce keeps the one comment on a pull request that says which approvals
// of a pipeline wait, who may give them and how. It is written when the first
// one waits and edited from then on; a newer execution takes it over.
func (a *App) announce(ctx context.Context, x store.Execution) error {
	open := gates([]store.Execution{x})
	var (
		own   []store.Announcement
		asked []store.ReviewRequest
	)
	err := a.store.View(ctx, func(tx store.Tx) error {
		var err error
		if asked, err = tx.ReviewRequests(ctx, x.ID); err != nil {
			return err
		}
		own, err = tx.Announcements(ctx, x.ID)
		return err
	})
	if err != nil {
		return err
	}
	own = slices.DeleteFunc(own, func(ann store.Announcement) bool { return ann.Pipeline == "" })
	if len(own) == 0 {
		if len(open) == 0 {
			return nil
		}
		if own, err = a.announceFirst(ctx, x); err != nil {
			return err
		}
	}
	for _, ann := range own {
		if ann.PullRequest == 0 {
			continue
		}
		if err := a.announceOn(ctx, x, ann, asked); err != nil {
			return fmt.Errorf("announce on pull request %d: %w", ann.PullRequest, err)
		}
	}
	return nil
}

// announceFirst notes on which pull requests the execution announces.
func (a *App) announceFirst(ctx context.Context, x store.Execution) ([]store.Announcement, error) {
	numbers, err := a.pullRequests(ctx, x, func(pr github.PullRequestInfo, x store.Execution) bool {
		return concerns(pr, x) && actsOn(pr, x)
	})
	if err != nil {
		return nil, err
	}
	if len(numbers) == 0 {
		numbers = []int{0}
	}
	var own []store.Announcement
	err = a.store.Update(ctx, func(tx store.Tx) error {
		own = nil
		for _, n := range numbers {
			ann, err := tx.Announcement(ctx, x.RepositoryID, n, x.Definition.Name)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			ann.RepositoryID, ann.PullRequest, ann.Pipeline = x.RepositoryID, n, x.Definition.Name
			ann.Execution, ann.Digest = x.ID, ""
			if err := tx.SaveAnnouncement(ctx, ann); err != nil {
				return err
			}
			own = append(own, ann)
		}
		return nil
	})
	return own, err
}

func (a *App) announceOn(ctx context.Context, x store.Execution, ann store.Announcement, asked []store.ReviewRequest) error {
	marker := "<!-- stagegate:approvals:" + strings.ToLower(x.Definition.Name) + " -->"
	before, err := a.voidBefore(ctx, x)
	if err != nil {
		return err
	}
	text := a.announcement(x, asked) + before + "\n\n" + marker
	digest := digestOf(text)
	if digest == ann.Digest {
		return nil
	}
	if ann.Comment, err = a.stick(ctx, repository(x), ann.PullRequest, ann.Comment, text, marker); err != nil {
		return err
	}
	ann.Digest = digest
	return a.store.Update(ctx, func(tx store.Tx) error { return tx.SaveAnnouncement(ctx, ann) })
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// stick keeps one comment on a pull request, which has the marker in it, and returns
// its id. The zero id is not known yet.
func (a *App) stick(ctx context.Context, repo github.Repository, number int, id int64, text, marker string) (int64, error) {
	if id == 0 {
		found, ok, err := a.github.FindComment(ctx, repo, number, marker)
		if err != nil {
			return 0, err
		}
		if ok {
			id = found
		}
	}
	err := github.ErrNotFound
	if id != 0 {
		err = a.github.EditComment(ctx, repo, id, text)
	}
	if errors.Is(err, github.ErrNotFound) { // never written, or deleted by somebody
		id, err = a.github.CreateComment(ctx, repo, number, text)
	}
	return id, err
}

// announcement is the comment's text.
func (a *App) announcement(x store.Execution, asked []store.ReviewRequest) string {
	var b strings.Builder
	for i, st := range x.Stages {
		for j, act := range st.Actions {
			if x.Definition.Stages[i].Actions[j].Approval == nil || act.Status == pipeline.Pending {
				continue
			}
			name := fmt.Sprintf("[%s / %s / %s](%s)", x.Definition.Name, st.Name, act.Name, a.pageURL(x, st.Name))
			switch {
			case act.Status == pipeline.Waiting:
				fmt.Fprintf(&b, "**%s waits for an approval.**\n\n%s\n\n", name, howToApprove(x.Execution, i, j))
				if text := reviewWords(asked, gate{x, i, j}); text != "" {
					b.WriteString(text + "\n\n")
				}
			case act.Decision != nil && explain.Void(x.Execution, i, j) == "":
				fmt.Fprintf(&b, "%s was %s at %s, for commit `%s`.\n\n", name, plain(act.Reason),
					act.Decision.At.UTC().Format("15:04 MST on 2 January 2006"), x.Revision.Commit)
			default:
				fmt.Fprintf(&b, "%s: %s, for commit `%s`.\n\n", name, announcedEnd(x, i, j), x.Revision.Commit)
			}
		}
	}
	return strings.TrimSpace(b.String())
}

// announcedEnd says why an approval no longer waits although nobody decided, or why
// what was decided does not count.
func announcedEnd(x store.Execution, i, j int) string {
	if text := explain.Void(x.Execution, i, j); text != "" {
		return "the approval is " + plain(text)
	}
	if x.Stages[i].Actions[j].Status == pipeline.Expired {
		return "the approval expired"
	}
	return "the approval is " + plain(statusWords(x.Stages[i].Actions[j].Status)+colon(x.Stages[i].Actions[j].Reason))
}
