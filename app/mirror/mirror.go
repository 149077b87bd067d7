// Package mirror gives a commit of a repository at GitHub as a working tree with
// its .git. It keeps a bare mirror of each repository, so that a second fetch
// moves only what is new, and makes the tree of that. It runs the real git.
//
// A repository is hostile: so are its names, links, attributes and submodules,
// and a server's answers. git runs without hooks, credentials and settings of the
// machine, speaks to one host, and its time and what it may write are bounded.
//
// It imports neither the store nor the engine, and knows GitHub by a Host only.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	// ErrRefused is what the repository asks for and does not get: the author
	// must change it. Its text is for the author.
	ErrRefused = errors.New("refused")
	// ErrMissing is a commit or a repository that GitHub does not have, or not
	// for this installation. It may come yet.
	ErrMissing = errors.New("not found")
	// ErrTooLarge is a repository or a tree over the limits.
	ErrTooLarge = errors.New("too large")
	// ErrNoGit says that this machine has no git.
	ErrNoGit = errors.New("git is not installed where Stagegate runs; whoever operates it must install it")
)

// Host is where repositories come from, with the eyes of one installation.
type Host interface {
	// Find looks up owner/name, which may be an old name. ErrMissing, if it does
	// not exist or the installation may not read it; ErrRefused, if it may not be
	// read for the sake of this request.
	Find(ctx context.Context, name string) (Repository, error)
	// Token is a secret that lets git read, for an hour at least in part.
	Token(ctx context.Context) (string, error)
}

// Repository is one at the host.
type Repository struct {
	ID   int64
	Name string // owner/name as it is now
}

// Request is one working tree.
type Request struct {
	Host       Host
	Repository Repository // another one under that name is ErrMissing
	Commit     string     // 40 hex digits
	Branch     string     // HEAD is on it; empty: detached
	Depth      int        // commits of history; zero: all of it, with all branches and tags
	Submodules Submodules
	LFS        bool // files of Git LFS stand there in place of their pointers
	// Fresh is when the commit was known to be at the host: a mirror that has it
	// and was fetched since is not fetched again.
	Fresh time.Time
}

// Left is what a working tree has not, because it was not asked for.
type Left struct {
	Submodules bool // there are empty folders in their place
	LFS        bool // there are pointers in place of files
}

// Config is what Mirrors are made of.
type Config struct {
	Dir string // holds the mirrors; made if it is not there
	URL string // of the host, such as https://github.com
	// MaxBytes bounds a mirror, and a working tree. Zero is 10 GiB.
	MaxBytes int64
	// MaxTime bounds the fetch of a repository. Zero is 20 minutes.
	MaxTime time.Duration
	Log     *slog.Logger
}

// Mirrors are the mirrors of one folder, which is theirs alone. They are safe for
// concurrent use.
type Mirrors struct {
	Config

	protocol string
	lfs      *http.Client
	mu       sync.Mutex
	held     map[int64]*mirror
}

const (
	defaultMaxBytes = 10 << 30
	defaultMaxTime  = 20 * time.Minute
	// unused is how long a mirror that nobody asks for is kept.
	unused = 30 * 24 * time.Hour
)

// New checks the settings, makes the folder and removes mirrors that were not
// used for 30 days. It runs nothing: git may be missing until it is needed.
func New(c Config) (*Mirrors, error) {
	m := &Mirrors{Config: c, held: map[int64]*mirror{}, protocol: onlyHTTPS, lfs: newLFSClient()}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the host's address: %w", err)
	case u.Scheme == "http" && loopback(u.Hostname()):
		m.protocol = onlyHTTP
	case u.Scheme != "https" || u.Host == "" || u.User != nil || u.Path != "":
		// Said by the first Checkout: who asks for no clone needs no host.
		m.protocol = ""
	}
	if m.MaxBytes == 0 {
		m.MaxBytes = defaultMaxBytes
	}
	if m.MaxTime == 0 {
		m.MaxTime = defaultMaxTime
	}
	if m.Dir, err = filepath.Abs(c.Dir); err != nil {
		return nil, fmt.Errorf("find the folder of the mirrors: %w", err)
	}
	if err := os.MkdirAll(m.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the mirrors: %w", err)
	}
	return m, m.removeUnused(time.Now())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// removeUnused removes the mirrors that were last used long ago, and what was
// being made or thrown away when a process died.
func (m *Mirrors) removeUnused(now time.Time) error {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return fmt.Errorf("list the mirrors: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return fmt.Errorf("list the mirrors: %w", err)
		}
		if !strings.HasSuffix(e.Name(), ".git") || now.Sub(info.ModTime()) > unused {
			if err := os.RemoveAll(filepath.Join(m.Dir, e.Name())); err != nil {
				return fmt.Errorf("remove a mirror: %w", err)
			}
		}
	}
	return nil
}

// git finds the program, anew each time so that it may be installed later.
func (m *Mirrors) git() (git, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return git{}, ErrNoGit
	}
	home := filepath.Join(m.Dir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return git{}, fmt.Errorf("make an empty home for git: %w", err)
	}
	return git{program: program, home: home}, nil
}

// Checkout makes the working tree of a commit in an empty folder, with a .git of
// its own. Nothing of the token stands there.
func (m *Mirrors) Checkout(ctx context.Context, r Request, dir string) (Left, error) {
	if m.protocol == "" {
		return Left{}, fmt.Errorf("%w: git reads from https only, not from %s", ErrRefused, m.URL)
	}
	if !isSHA(r.Commit) {
		return Left{}, fmt.Errorf("%w: %q is no commit", ErrRefused, r.Commit)
	}
	g, err := m.git()
	if err != nil {
		return Left{}, err
	}
	w := &work{Mirrors: m, git: g}
	err = w.grow(ctx, r, dir, 0)
	return w.left, err
}

// placed is the tree of one repository.
type placed struct {
	name  string // owner/name of the repository as it is now
	links []link
}

// place fetches what is missing and makes the tree of it. A mirror that turns
// out to be damaged is thrown away and made again, once.
func (w *work) place(ctx context.Context, r Request, dir string) (placed, error) {
	found, err := r.Host.Find(ctx, r.Repository.Name)
	if err != nil {
		return placed{}, fmt.Errorf("find %s: %w", r.Repository.Name, err)
	}
	if r.Repository.ID != 0 && found.ID != r.Repository.ID {
		return placed{}, fmt.Errorf("%w: %s is another repository now", ErrMissing, r.Repository.Name)
	}
	one, unlock, err := w.lock(ctx, found)
	if err != nil {
		return placed{}, err
	}
	defer unlock()
	for again := false; ; again = true {
		at := placed{name: found.Name}
		err := one.fetch(ctx, w.git, r)
		if err == nil {
			before := w.sum
			if at.links, err = one.checkout(ctx, w.git, r, dir, &w.sum); err != nil {
				w.sum = before
			}
		}
		if err == nil || again || ctx.Err() != nil || one.sound(ctx, w.git, err) {
			return at, err
		}
		w.Log.Warn("a damaged mirror is made again", "repository", found.Name, "error", err)
		if err := errors.Join(one.remove(), emptyFolder(dir)); err != nil {
			return placed{}, err
		}
	}
}

// lock takes the mirror of a repository for its caller alone.
func (m *Mirrors) lock(ctx context.Context, r Repository) (*mirror, func(), error) {
	m.mu.Lock()
	one := m.held[r.ID]
	if one == nil {
		one = &mirror{all: m, dir: filepath.Join(m.Dir, strconv.FormatInt(r.ID, 10)+".git"), taken: make(chan struct{}, 1)}
		m.held[r.ID] = one
	}
	m.mu.Unlock()
	select {
	case one.taken <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("wait for the mirror of %s: %w", r.Name, ctx.Err())
	}
	one.name = r.Name
	return one, func() { <-one.taken }, nil
}

func isSHA(s string) bool {
	return len(s) == 40 && strings.Trim(s, "0123456789abcdef") == ""
}

// emptyFolder removes what stands in a folder, and leaves the folder.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
