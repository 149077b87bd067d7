package mirror

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
)

// mostEntries is how many files, folders and links a tree may have: as many as
// an artifact.
const mostEntries = 1_000_000

// localFailure is a failure that no network had a part in.
type localFailure struct{ error }

func (l *localFailure) Unwrap() error { return l.error }

// local marks the failures of git, and leaves other errors alone.
func local(err error) error {
	var failed *failure
	if errors.As(err, &failed) {
		return &localFailure{err}
	}
	return err
}

// link is a submodule of a tree: the commit of another repository.
type link struct {
	path, commit string
}

// sum counts what a working tree has, with its submodules.
type sum struct {
	entries int
	bytes   int64
}

func (s *sum) tooLarge(most int64) error {
	return fmt.Errorf("%w: the tree has more than %d files and folders, or %d bytes", ErrTooLarge, mostEntries, most)
}

// checkout makes a working tree of a commit that the mirror has, adds it to the
// sum and returns its submodules.
func (m *mirror) checkout(ctx context.Context, g git, r Request, dir string, s *sum) ([]link, error) {
	links, err := m.measure(ctx, g, r.Commit, s)
	if err != nil {
		return nil, fmt.Errorf("look through commit %s of %s: %w", r.Commit, m.name, local(err))
	}
	tree := run{dir: filepath.Join(dir, ".git"), tree: dir}
	for _, args := range m.steps(r) {
		tree.args, tree.protocol = args, onlyFile
		if _, err := g.run(ctx, tree); err != nil {
			return nil, fmt.Errorf("check out commit %s of %s: %w", r.Commit, m.name, local(err))
		}
	}
	return links, nil
}

// steps are the commands that make a working tree: a fetch from the mirror, so
// that nothing comes along that the commit's history, or a branch, does not have.
func (m *mirror) steps(r Request) [][]string {
	fetch := []string{"fetch", "--quiet", "--no-auto-maintenance", "--no-write-fetch-head", "--update-head-ok"}
	fetched := "refs/stagegate/commit"
	if r.Branch != "" {
		fetched = "refs/heads/" + r.Branch
	}
	refs := []string{r.Commit + ":" + fetched}
	switch {
	case r.Depth == 0:
		refs = append(refs, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
	case r.Branch != "":
		refs = append(refs, r.Commit+":refs/remotes/origin/"+r.Branch)
		fallthrough
	default:
		fetch = append(fetch, "--depth="+strconv.Itoa(r.Depth)) // with the tags of those commits
	}
	steps := [][]string{
		{"init", "--quiet", "--template=", "--initial-branch=main"},
		append(append(fetch, m.dir), refs...),
		{"config", "remote.origin.url", m.url()},
		{"config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"},
	}
	if r.Branch != "" {
		return append(steps,
			[]string{"symbolic-ref", "HEAD", fetched},
			[]string{"reset", "--quiet", "--hard", "--no-recurse-submodules"},
		)
	}
	return append(steps,
		[]string{"checkout", "--quiet", "--force", "--detach", "--no-recurse-submodules", r.Commit},
		[]string{"update-ref", "-d", fetched},
	)
}

// measure looks through a tree before any of it is written: a few kilobytes of
// Git can stand for more files than a disk holds. It returns the submodules.
func (m *mirror) measure(ctx context.Context, g git, commit string, s *sum) ([]link, error) {
	var links []link
	err := g.stream(ctx, m.run("ls-tree", "-r", "-t", "-l", "-z", "--full-tree", commit), func(stdout io.Reader) error {
		lines := bufio.NewScanner(stdout)
		lines.Split(atNUL)
		for lines.Scan() {
			// MODE TYPE SHA SIZE, a tab, and the name
			meta, name, _ := strings.Cut(lines.Text(), "\t")
			f := strings.Fields(meta)
			if len(f) != 4 {
				return fmt.Errorf("read the tree: %q", meta)
			}
			if f[1] == "commit" {
				links = append(links, link{path: name, commit: f[2]})
			}
			size, _ := strconv.ParseInt(f[3], 10, 64) // "-" of what has none
			s.entries, s.bytes = s.entries+1, s.bytes+size
			if s.entries > mostEntries || s.bytes > m.all.MaxBytes {
				return s.tooLarge(m.all.MaxBytes)
			}
		}
		return lines.Err()
	})
	return links, err
}

// atNUL splits at bytes of zero.
func atNUL(data []byte, end bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return i + 1, data[:i], nil
	}
	if end && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
