package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// statusInterval is how often the status on a pull request may change by itself.
const statusInterval = 10 * time.Second

const statusMarker = "<!-- stagegate:status -->"

// statuses remembers which status comments are about to be renewed, and when each
// was, so that quick changes become one request. It is a courtesy, and lost at a
// restart.
type statuses struct {
	mu      sync.Mutex
	pending map[string]bool
	at      map[string]time.Time
}

// expect notes that one is about to be renewed, and tells whether that is news.
func (s *statuses) expect(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending[key] {
		return false
	}
	if s.pending == nil {
		s.pending = map[string]bool{}
	}
	s.pending[key] = true
	return true
}

// begin notes that one is being renewed, or returns when it may be. A person who
// asks is not kept waiting.
func (s *statuses) begin(key string, now time.Time, asked bool) (wait time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next := s.at[key].Add(statusInterval); !asked && now.Before(next) {
		return next
	}
	delete(s.pending, key)
	if s.at == nil {
		s.at = map[string]time.Time{}
	}
	s.at[key] = now
	return time.Time{}
}

// forget drops one of which nothing changes any more.
func (s *statuses) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.at, key)
}

func statusKey(repository int64, number int) string {
	return fmt.Sprintf("status/%d/%d", repository, number)
}

// sayStatus has the one comment written that says where everything stands, or edited.
func (a *App) sayStatus(_ context.Context, s spoken) (operation, error) {
	if len(s.args) > 0 {
		return nil, s.mistold("")
	}
	if len(s.lane) == 0 {
		return operation{telling("Nothing has run here yet.")}, nil
	}
	return operation{statusAsked{
		store.Announcement{RepositoryID: s.repo.ID, PullRequest: s.pull.Number, Execution: s.lane[0].ID},
		store.Status{Installation: s.repo.Installation, Repository: s.repo.String(), RepositoryID: s.repo.ID, Number: s.pull.Number, Asked: true},
	}}, nil
}

// statusAsked has a status written even if it seems to stand there already: somebody
// may have deleted it.
type statusAsked struct {
	ann  store.Announcement
	work store.Status
}

func (s statusAsked) apply(ctx context.Context, tx store.Tx) (string, error) {
	known, err := tx.Announcement(ctx, s.ann.RepositoryID, s.ann.PullRequest, "")
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	s.ann.Comment = known.Comment
	if err := tx.SaveAnnouncement(ctx, s.ann); err != nil {
		return "", err
	}
	return "", tx.Enqueue(ctx, s.work, time.Time{})
}

// renewStatus leaves work for the status comments that show the execution: that of
// the pull request on whose lane it is, and those that it is the newest of.
func (a *App) renewStatus(ctx context.Context, x store.Execution) error {
	var shown []store.Announcement
	err := a.store.View(ctx, func(tx store.Tx) error {
		all, err := tx.Announcements(ctx, x.ID)
		if err != nil {
			return err
		}
		for _, ann := range all {
			if ann.Pipeline == "" {
				shown = append(shown, ann)
			}
		}
		own, err := tx.Announcement(ctx, x.RepositoryID, pullOfLane(x.Lane), "")
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		shown = append(shown, own)
		return err
	})
	for _, ann := range shown {
		if err == nil && a.statuses.expect(statusKey(x.RepositoryID, ann.PullRequest)) {
			work := store.Status{Installation: x.Installation, Repository: x.Repository, RepositoryID: x.RepositoryID, Number: ann.PullRequest}
			err = a.store.Update(ctx, func(tx store.Tx) error { return tx.Enqueue(ctx, work, time.Time{}) })
		}
	}
	return err
}

// pullOfLane is the number of the pull request whose lane it is, or -1.
func pullOfLane(lane string) int {
	number, ok := strings.CutPrefix(lane, "pull/")
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		return -1
	}
	return n
}

// showStatus writes the status of a pull request, or edits it where it has changed.
func (a *App) showStatus(ctx context.Context, w store.Status) error {
	key := statusKey(w.RepositoryID, w.Number)
	defer a.reports.lock(key)()
	if wait := a.statuses.begin(key, a.now(), w.Asked); !wait.IsZero() {
		return later{wait}
	}
	owner, name, _ := strings.Cut(w.Repository, "/")
	repo := github.Repository{Installation: w.Installation, ID: w.RepositoryID, Owner: owner, Name: name}
	pr, err := a.github.PullRequest(ctx, repo, w.Number)
	if err != nil {
		return fmt.Errorf("read pull request %d: %w", w.Number, err)
	}
	lane, err := a.laneExecutions(ctx, repo, pr)
	if err != nil || len(lane) == 0 {
		return err
	}
	var (
		ann  store.Announcement
		text string
	)
	err = a.store.View(ctx, func(tx store.Tx) error {
		if ann, err = tx.Announcement(ctx, w.RepositoryID, w.Number, ""); err != nil {
			return err
		}
		text, err = a.statusText(ctx, tx, newestOfEach(lane))
		return err
	})
	if err != nil {
		return fmt.Errorf("read the status of pull request %d: %w", w.Number, err)
	}
	if len(underWay(lane)) == 0 {
		a.statuses.forget(key)
	}
	if digestOf(text) == ann.Digest {
		return nil
	}
	if ann.Comment, err = a.stick(ctx, repo, w.Number, ann.Comment, text, statusMarker); err != nil {
		return fmt.Errorf("write the status of pull request %d: %w", w.Number, err)
	}
	ann.Digest, ann.Execution = digestOf(text), lane[0].ID
	return a.store.Update(ctx, func(tx store.Tx) error { return tx.SaveAnnouncement(ctx, ann) })
}

// repeatHint says how a stage that can be run again is.
func repeatHint(x store.Execution, st pipeline.StageState) string {
	if !repeatable(st) {
		return ""
	}
	hint := fmt.Sprintf("; `/retry %s/%s` runs it again", x.Definition.Name, st.Name)
	if st.Overridable() {
		hint += "; " + overrideHint(x, st)
	}
	return hint
}

func overrideHint(x store.Execution, st pipeline.StageState) string {
	return fmt.Sprintf("`/override %s/%s REASON` lets it go on all the same", x.Definition.Name, st.Name)
}
