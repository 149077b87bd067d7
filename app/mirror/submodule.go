package mirror

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// Submodules says which submodules a tree has.
type Submodules int

const (
	// NoSubmodules leaves empty folders in their place.
	NoSubmodules Submodules = iota
	// OwnSubmodules are those of the repository itself.
	OwnSubmodules
	// AllSubmodules are theirs too.
	AllSubmodules
)

const (
	mostSubmodules = 100 // in a tree
	mostNested     = 8   // levels
)

// work is one Checkout: a tree, its submodules, and theirs.
type work struct {
	*Mirrors

	git        git
	sum        sum
	submodules int
	left       Left
}

// grow makes the tree of a request, then those of its submodules.
func (w *work) grow(ctx context.Context, r Request, dir string, level int) error {
	at, err := w.place(ctx, r, dir)
	if err != nil {
		return err
	}
	if err := w.contents(ctx, r, at, dir); err != nil {
		return fmt.Errorf("fetch the Git LFS files of %s: %w", at.name, err)
	}
	if r.Submodules == NoSubmodules || r.Submodules == OwnSubmodules && level > 0 {
		w.left.Submodules = w.left.Submodules || len(at.links) > 0
		return nil
	}
	modules, err := w.modules(ctx, r, at, dir)
	if err != nil {
		return err
	}
	for _, l := range at.links {
		if err := w.submodule(ctx, r, at, modules[l.path], l, dir, level+1); err != nil {
			return fmt.Errorf("submodule %q of %s: %w", l.path, at.name, err)
		}
	}
	return nil
}

// module is what .gitmodules says of a submodule.
type module struct {
	name, url string
}

// submodule makes the tree of one submodule, with a .git of its own: no folder is
// ever called by the name that .gitmodules gives.
func (w *work) submodule(ctx context.Context, r Request, at placed, m module, l link, dir string, level int) error {
	if w.submodules++; w.submodules > mostSubmodules || level > mostNested {
		return fmt.Errorf("%w: at most %d submodules are fetched, at most %d within each other", ErrRefused, mostSubmodules, mostNested)
	}
	if m.url == "" {
		return fmt.Errorf("%w: .gitmodules has no url for it", ErrRefused)
	}
	if !safeModule(m.name) {
		return fmt.Errorf("%w: %q is no name for a submodule", ErrRefused, m.name)
	}
	name, err := w.resolve(at.name, m.url)
	if err != nil {
		return err
	}
	if err := realFolder(dir, l.path); err != nil {
		return err
	}
	for _, config := range [][]string{{"url", w.URL + "/" + name + ".git"}, {"active", "true"}} {
		set := run{dir: filepath.Join(dir, ".git"), tree: dir, args: []string{"config", "submodule." + m.name + "." + config[0], config[1]}}
		if _, err := w.git.run(ctx, set); err != nil {
			return err
		}
	}
	r.Repository, r.Commit, r.Branch = Repository{Name: name}, l.commit, ""
	return w.grow(ctx, r, filepath.Join(dir, filepath.FromSlash(l.path)), level)
}

// safeModule is git's own rule for names, and no control characters.
func safeModule(name string) bool {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return false
	}
	for element := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '/' || r == '\\' }) {
		if element == ".." {
			return false
		}
	}
	return name != ""
}

// modules reads .gitmodules of a tree that has submodules, by their paths.
func (w *work) modules(ctx context.Context, r Request, at placed, dir string) (map[string]module, error) {
	byPath := map[string]module{}
	if len(at.links) == 0 {
		return byPath, nil
	}
	tree := run{dir: filepath.Join(dir, ".git"), tree: dir, args: []string{"config", "--blob", r.Commit + ":.gitmodules", "--no-includes", "--null", "--list"}}
	out, err := w.git.run(ctx, tree)
	if err != nil {
		return nil, fmt.Errorf("%w: .gitmodules of %s cannot be read", ErrRefused, at.name)
	}
	paths, urls := map[string]string{}, map[string]string{}
	for entry := range strings.SplitSeq(out, "\x00") {
		key, value, _ := strings.Cut(entry, "\n")
		name, ok := strings.CutPrefix(key, "submodule.")
		end := strings.LastIndexByte(name, '.')
		if !ok || end < 0 {
			continue
		}
		switch name[end+1:] {
		case "path":
			paths[name[:end]] = value
		case "url":
			urls[name[:end]] = value
		}
	}
	for name, path := range paths {
		if urls[name] != "" {
			byPath[path] = module{name: name, url: urls[name]}
		}
	}
	return byPath, nil
}

// realFolder tells whether a path below dir leads through folders only.
func realFolder(dir, path string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for i := range len(path) + 1 {
		if i < len(path) && path[i] != '/' {
			continue
		}
		if info, err := root.Lstat(path[:i]); err != nil || !info.IsDir() {
			return fmt.Errorf("%w: %q is no folder", ErrRefused, path[:i])
		}
	}
	return nil
}

// namePattern is what GitHub allows owners and repositories to be called.
var namePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.-]+$`) })

// resolve finds the repository that a submodule's address names, seen from the
// repository whose .gitmodules has it. Whatever way the address goes, it must be
// one of the host; it is fetched by the way of all others.
func (m *Mirrors) resolve(from, address string) (string, error) {
	refused := fmt.Errorf("%w: %q is not a repository of %s", ErrRefused, address, m.URL)
	path, ok := m.pathAtHost(address)
	if strings.HasPrefix(address, "./") || strings.HasPrefix(address, "../") {
		path, ok = climb(from, address), true
	}
	if !ok {
		return "", refused
	}
	owner, name, _ := strings.Cut(strings.TrimSuffix(strings.Trim(path, "/"), ".git"), "/")
	for _, part := range []string{owner, name} {
		if !namePattern().MatchString(part) || strings.Trim(part, ".") == "" {
			return "", refused
		}
	}
	return owner + "/" + name, nil
}

// climb joins a relative address as git does; what climbs too high is empty.
func climb(from, address string) string {
	for {
		if rest, ok := strings.CutPrefix(address, "./"); ok {
			address = rest
			continue
		}
		rest, ok := strings.CutPrefix(address, "../")
		if !ok {
			return from + "/" + address
		}
		if from == "" {
			return ""
		}
		from, address = from[:max(0, strings.LastIndexByte(from, '/'))], rest
	}
}

// pathAtHost is the path of an address, if that is at the host: as
// https://HOST/path, ssh://git@HOST/path or git@HOST:path.
func (m *Mirrors) pathAtHost(address string) (string, bool) {
	host, err := url.Parse(m.URL)
	if err != nil {
		return "", false
	}
	if rest, ok := strings.CutPrefix(address, "git@"+host.Hostname()+":"); ok {
		return rest, true
	}
	u, err := url.Parse(address)
	if err != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", false
	}
	switch u.Scheme {
	case "https", host.Scheme:
		return u.Path, strings.EqualFold(u.Host, host.Host)
	case "ssh", "git", "http":
		return u.Path, strings.EqualFold(u.Hostname(), host.Hostname())
	}
	return "", false
}
