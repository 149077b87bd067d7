package app

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
)

// rightsLast is for how long an answer of GitHub counts for what is shown. What
// somebody does is asked anew.
const rightsLast = time.Minute

// mostRights is how many answers are remembered.
const mostRights = 20_000

// rights remembers what GitHub said of people and repositories.
type rights struct {
	mu           sync.Mutex
	repositories map[int64]answered[github.Repository]
	people       map[right]answered[github.Permission]
	approvals    map[mineOf]answered[bool]
}

// right is somebody's in a repository.
type right struct {
	person, repository int64
	login              string
}

type answered[T any] struct {
	answer T
	at     time.Time
}

func newRights() *rights {
	return &rights{
		repositories: map[int64]answered[github.Repository]{}, people: map[right]answered[github.Permission]{},
		approvals: map[mineOf]answered[bool]{},
	}
}

// recall finds an answer that still counts.
func recall[K comparable, T any](r *rights, in map[K]answered[T], key K, now time.Time) (answer T, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := in[key]
	if !ok || now.Sub(known.at) >= rightsLast {
		return answer, false
	}
	return known.answer, true
}

// remember keeps an answer; of too many it forgets all.
func remember[K comparable, T any](r *rights, in map[K]answered[T], key K, answer T, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(in) >= mostRights {
		clear(in)
	}
	in[key] = answered[T]{answer, now}
}

// rightNow is what a person may in a repository, by GitHub's word of this moment.
// Whoever has their login now, and whatever has its name, is not taken for them: both
// are known by their numbers.
func (a *App) rightNow(ctx context.Context, who store.Person, repo github.Repository) (github.Permission, error) {
	found, err := a.namesake(ctx, repo)
	if err != nil || found.ID == 0 {
		return github.None, err
	}
	return a.rightUnder(ctx, who, found)
}

// namesake is the repository as it is called now; zero where the name is another's, or
// where the App has nothing to see there.
func (a *App) namesake(ctx context.Context, repo github.Repository) (github.Repository, error) {
	found, _, err := a.github.Find(ctx, repo)
	switch {
	case hidden(err), err == nil && found.ID != repo.ID:
		return github.Repository{}, nil
	case err != nil:
		return github.Repository{}, err
	}
	return found, nil
}

func (a *App) rightUnder(ctx context.Context, who store.Person, found github.Repository) (github.Permission, error) {
	p, holder, err := a.github.Access(ctx, found, who.Login)
	switch {
	case hidden(err), err == nil && holder.ID != who.ID:
		return github.None, nil
	case err != nil:
		return github.None, err
	}
	return p, nil
}

// hidden tells that GitHub lets the App see nothing there.
func hidden(err error) bool {
	return errors.Is(err, github.ErrNotFound) || errors.Is(err, github.ErrGone) || errors.Is(err, github.ErrForbidden)
}

// rightLately is what a person may in a repository, or might within the last minute.
func (a *App) rightLately(ctx context.Context, who store.Person, repo github.Repository) (github.Permission, error) {
	key := right{who.ID, repo.ID, strings.ToLower(who.Login)}
	if p, ok := recall(a.rights, a.rights.people, key, a.now()); ok {
		return p, nil
	}
	found, ok := recall(a.rights, a.rights.repositories, repo.ID, a.now())
	var err error
	if !ok {
		if found, err = a.namesake(ctx, repo); err != nil {
			return github.None, err
		}
		remember(a.rights, a.rights.repositories, repo.ID, found, a.now())
	}
	p := github.None
	if found.ID != 0 {
		if p, err = a.rightUnder(ctx, who, found); err != nil {
			return github.None, err
		}
	}
	remember(a.rights, a.rights.people, key, p, a.now())
	return p, nil
}

// asksAtOnce is how many questions go to GitHub side by side.
const asksAtOnce = 8

// readable lists the repositories that a person may see, and counts those that GitHub
// could not be asked about, which are left out.
func (a *App) readable(ctx context.Context, who store.Person) (ids []int64, unasked int, err error) {
	var all []store.Repository
	err = a.store.View(ctx, func(tx store.Tx) error {
		all, err = tx.Repositories(ctx)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	may, failed := make([]github.Permission, len(all)), make([]error, len(all))
	asks, asking := errgroup.WithContext(ctx)
	asks.SetLimit(asksAtOnce)
	for i, r := range all {
		asks.Go(func() error {
			owner, name, _ := strings.Cut(r.Name, "/")
			may[i], failed[i] = a.rightLately(asking, who, github.Repository{Installation: r.Installation, ID: r.ID, Owner: owner, Name: name})
			return nil
		})
	}
	_ = asks.Wait() // none returns an error
	ids = []int64{}
	var why error
	for i, r := range all {
		switch {
		case failed[i] != nil:
			unasked, why = unasked+1, failed[i]
		case may[i] >= github.Read:
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 && why != nil {
		return nil, unasked, why
	}
	return ids, unasked, ctx.Err()
}
