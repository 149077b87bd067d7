package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// mirror is the bare copy of one repository: its branches and tags, and the
// commits that were asked for. Whoever has taken it may touch it.
type mirror struct {
	all   *Mirrors
	dir   string
	taken chan struct{}

	name    string // owner/name as it is now
	opened  bool   // by this process
	fetched time.Time
}

// mostPacks is how many fetches may leave a pack each before they become one.
const mostPacks = 50

func (m *mirror) url() string { return m.all.URL + "/" + m.name + ".git" }

// fetch brings the mirror up to date, and the commit into it.
func (m *mirror) fetch(ctx context.Context, g git, r Request) error {
	ctx, cancel := context.WithTimeoutCause(ctx, m.all.MaxTime, fmt.Errorf("%w: the fetch of %s took longer than %s", ErrTooLarge, m.name, m.all.MaxTime))
	defer cancel()
	if err := m.open(ctx, g); err != nil {
		return err
	}
	if m.fetched.After(r.Fresh) && m.has(ctx, g, r.Commit) {
		return nil
	}
	token, err := r.Host.Token(ctx)
	if err != nil {
		return fmt.Errorf("get a token to read %s: %w", m.name, err)
	}
	remote := m.run("fetch", "--quiet", "--prune", "--no-auto-maintenance", "--no-write-fetch-head", "--no-tags", m.url(),
		"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
	remote.protocol, remote.base, remote.token = m.all.protocol, m.all.URL, token
	began := time.Now()
	if err := m.bounded(ctx, g, remote); err != nil {
		return fmt.Errorf("fetch %s: %w", m.name, m.judge(ctx, g, remote, err))
	}
	if !m.has(ctx, g, r.Commit) {
		// GitHub gives a commit by its name long after no branch has it.
		remote.args = []string{"fetch", "--quiet", "--no-auto-maintenance", "--no-write-fetch-head", "--no-tags", m.url(), r.Commit}
		if err := m.bounded(ctx, g, remote); err != nil {
			return fmt.Errorf("fetch commit %s of %s: %w", r.Commit, m.name, m.judge(ctx, g, remote, err))
		}
	}
	m.fetched = began
	m.tidy(ctx, g)
	return nil
}

// run is a command in the mirror.
func (m *mirror) run(args ...string) run { return run{dir: m.dir, args: args} }

// open makes the mirror if it is not there, under another name until it is
// whole. The first time in a process it removes what a killed git left.
func (m *mirror) open(ctx context.Context, g git) error {
	if _, err := os.Stat(m.dir); err == nil && !m.opened {
		if err := m.unlock(); err != nil {
			return err
		}
	} else if errors.Is(err, fs.ErrNotExist) {
		if err := m.make(ctx, g); err != nil {
			return fmt.Errorf("make the mirror of %s: %w", m.name, err)
		}
	} else if err != nil {
		return fmt.Errorf("open the mirror of %s: %w", m.name, err)
	}
	m.opened = true
	now := time.Now()
	return os.Chtimes(m.dir, now, now) // removeUnused looks at it
}

func (m *mirror) make(ctx context.Context, g git) error {
	dir, err := os.MkdirTemp(m.all.Dir, "new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := g.run(ctx, run{dir: dir, args: []string{"init", "--quiet", "--bare", "--template=", "--initial-branch=main"}}); err != nil {
		return err
	}
	m.fetched = time.Time{}
	return os.Rename(dir, m.dir)
}

// unlock removes the lock files and half packs of a git that was killed with
// an earlier process.
func (m *mirror) unlock() error {
	root, err := os.OpenRoot(m.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if strings.HasSuffix(path, ".lock") || strings.HasPrefix(e.Name(), "tmp_") {
			return root.Remove(path)
		}
		return nil
	})
}

func (m *mirror) has(ctx context.Context, g git, commit string) bool {
	_, err := g.run(ctx, m.run("cat-file", "-e", commit+"^{commit}"))
	return err == nil
}

// bounded runs a command that makes the mirror grow, and ends it at the limit.
func (m *mirror) bounded(ctx context.Context, g git, r run) error {
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		ticker := time.NewTicker(500 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-ticker.C:
				if m.size() > m.all.MaxBytes {
					cancel(m.tooLarge())
				}
			}
		}
	}()
	_, err := g.run(ctx, r)
	cancel(nil)
	<-watched
	if err == nil && m.size() > m.all.MaxBytes {
		err = m.tooLarge()
	}
	if errors.Is(err, ErrTooLarge) {
		err = errors.Join(err, m.remove()) // else it would be too large for ever
	}
	return err
}

func (m *mirror) tooLarge() error {
	return fmt.Errorf("%w: %s has more than %d bytes", ErrTooLarge, m.name, m.all.MaxBytes)
}

// size sums up the files of the mirror; what vanishes meanwhile has none.
func (m *mirror) size() int64 {
	var sum int64
	_ = filepath.WalkDir(m.dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}

// judge tells why a fetch failed: git itself says it in words only. If the host
// does not answer a small question either, it is the host; if it does, and the
// mirror is sound, the host has no such commit.
func (m *mirror) judge(ctx context.Context, g git, remote run, err error) error {
	var failed *failure
	if !errors.As(err, &failed) || ctx.Err() != nil {
		return err
	}
	asked := remote
	asked.args = []string{"ls-remote", "--quiet", m.url(), "HEAD"}
	if _, askErr := g.run(ctx, asked); askErr != nil {
		return askErr
	}
	return &refusedFetch{err}
}

// refusedFetch is a fetch that failed though the host answers.
type refusedFetch struct{ error }

func (r *refusedFetch) Unwrap() []error { return []error{r.error, ErrMissing} }

// sound tells whether an error is not the mirror's fault.
func (m *mirror) sound(ctx context.Context, g git, err error) bool {
	check := m.run("fsck", "--no-dangling", "--no-progress")
	var refused *refusedFetch
	var local *localFailure
	switch {
	case errors.As(err, &local):
		check.args = append(check.args, "--full")
	case errors.As(err, &refused):
		check.args = append(check.args, "--connectivity-only")
	default:
		return true
	}
	_, err = g.run(ctx, check)
	return err == nil
}

// remove throws the mirror away, under another name first, so that a crash leaves
// no half of it.
func (m *mirror) remove() error {
	m.opened, m.fetched = false, time.Time{}
	away, err := os.MkdirTemp(m.all.Dir, "old-*")
	if err != nil {
		return fmt.Errorf("throw a mirror away: %w", err)
	}
	if err := os.Rename(m.dir, filepath.Join(away, "mirror")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("throw a mirror away: %w", err)
	}
	return os.RemoveAll(away)
}

// tidy makes one pack of many, and forgets commits that no branch has had for two
// weeks. It is best effort: an error changes nothing but the room it takes.
func (m *mirror) tidy(ctx context.Context, g git) {
	packs, err := filepath.Glob(filepath.Join(m.dir, "objects", "pack", "*.pack"))
	if err != nil || len(packs) <= mostPacks {
		return
	}
	if _, err := g.run(ctx, m.run("gc", "--quiet", "--prune=2.weeks.ago")); err != nil {
		m.all.Log.Warn("a mirror was not tidied", "repository", m.name, "error", err)
	}
}
