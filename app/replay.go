package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/review"
)

// mostReplayed is how many of the repository's last events are looked at.
const mostReplayed = 20

// happening is an event that came, as triggers are asked about it.
type happening struct {
	words string // Markdown
	base  pipeline.Execution
	list  listing
}

// happened lists the last events of the repository that could start a pipeline.
func (e *edit) happened(ctx context.Context) ([]happening, error) {
	var found []store.Delivery
	err := e.app.store.View(ctx, func(tx store.Tx) (err error) {
		found, err = tx.Events(ctx, strconv.FormatInt(e.repo.ID, 10), mostReplayed)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the last events of %s: %w", e.repo, err)
	}
	var all []happening
	for _, d := range found {
		if h, ok := e.event(d); ok {
			h.list = once(h.list)
			all = append(all, h)
		}
	}
	return all, nil
}

// once asks what changed at most once. Where it cannot be had it is not known.
func once(list listing) listing {
	var known *pipeline.Changes
	return func(ctx context.Context) (pipeline.Changes, error) {
		if known == nil {
			known = &pipeline.Changes{}
			if list != nil {
				if changes, err := list(ctx); err == nil {
					known = &changes
				}
			}
		}
		return *known, nil
	}
}

// event is a delivery as triggers are asked about it; false: it could start nothing.
func (e *edit) event(d store.Delivery) (happening, bool) {
	event, err := github.Decode(d.Event, d.Body)
	if err != nil {
		return happening{}, false
	}
	switch one := event.(type) {
	case github.Push:
		to := one.Branch
		if to == "" {
			to = one.Ref
		}
		h := happening{"push to " + review.Code(to), ofPush(e.repo, one), e.app.pushed(e.repo, one)}
		return h, nothing(one) == ""
	case github.PullRequest:
		words := fmt.Sprintf("pull request %d into %s %s", one.Number, review.Code(one.Base), review.Code(one.Action))
		return happening{words, ofPull(e.repo, one), e.app.pulled(e.repo, one)}, true
	case github.MergeGroup:
		return happening{"merge group into " + review.Code(one.Base) + " " + review.Code(one.Action), ofGroup(e.repo, one), nil}, true
	}
	return happening{}, false
}

// replay says which of the last events would start something that they did not, or no
// longer would, by the same matching as when they came.
func (e *edit) replay(ctx context.Context) (string, error) {
	all, err := e.happened(ctx)
	if err != nil || len(all) == 0 {
		return "", err
	}
	var lines []string
	for _, h := range all {
		was, is := e.starts(ctx, e.before, h), e.starts(ctx, e.after, h)
		var parts []string
		if more := missing(is, was); len(more) > 0 {
			parts = append(parts, "would now start "+strings.Join(more, ", "))
		}
		if gone := missing(was, is); len(gone) > 0 {
			parts = append(parts, "would no longer start "+strings.Join(gone, ", "))
		}
		if len(parts) > 0 {
			lines = append(lines, fmt.Sprintf("- %s (`%s`) %s.", h.words, shortSHA(h.base.Revision.Commit), strings.Join(parts, ", and ")))
		}
	}
	if len(lines) == 0 {
		return fmt.Sprintf("Each of the last %s would start the same as before.\n\n", count(len(all), "event")), nil
	}
	return fmt.Sprintf("Of the last %s:\n\n%s\n\n", count(len(all), "event"), bounded(lines)), nil
}

// starts are the pipelines that an event would start. What changed is asked of GitHub
// where a filter asks; where it cannot be had, such a filter lets the event through.
func (e *edit) starts(ctx context.Context, all []candidate, h happening) []string {
	found, base := concerned(all, h.base), h.base
	if err := narrow(ctx, &base, found, h.list); err != nil {
		return nil
	}
	var names []string
	for _, c := range found {
		if c.skip == "" && len(c.problems) == 0 {
			names = append(names, review.Code(c.definition.Name))
		}
	}
	return names
}

// missing leaves of names those that are not among others.
func missing(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(n string) bool { return slices.Contains(others, n) })
}
