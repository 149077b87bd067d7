package githubtest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	zeroSHA = "0000000000000000000000000000000000000000"
	// emptyTree is git's name of a folder without files.
	emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
)

// errNoCommit says that a ref or SHA names no commit.
var errNoCommit = errors.New("no such commit")

var fullSHA = regexp.MustCompile(`^[0-9a-f]{40}$`)

// gitEnvironment keeps the settings of this machine and its user out of git.
func gitEnvironment() []string {
	env := []string{
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_SYSTEM=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "GIT_NO_REPLACE_OBJECTS=1",
	}
	for _, name := range []string{"PATH", "TMPDIR", "SYSTEMROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// git runs git in the repository and returns what it prints.
func (r *Repository) git(args ...string) (string, error) { return r.gitAs(nil, args...) }

// gitAs runs git with more in its environment.
func (r *Repository) gitAs(env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(r.g.ctx, r.g.git, append([]string{"-C", r.dir}, args...)...) //nolint:gosec // git, with arguments of ours
	cmd.Env = append(gitEnvironment(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// line runs git and returns the one line it prints.
func (r *Repository) line(args ...string) (string, error) {
	out, err := r.git(args...)
	return strings.TrimSpace(out), err
}

// resolve turns a branch, a tag, a full ref or a SHA into a commit's SHA.
func (r *Repository) resolve(ref string) (string, error) {
	if _, ok := r.known.Load(ref); ok {
		return ref, nil
	}
	candidates := []string{"refs/heads/" + ref, "refs/tags/" + ref, "refs/" + ref, ref}
	if fullSHA.MatchString(ref) {
		candidates = []string{ref}
	}
	for _, candidate := range candidates {
		if strings.HasPrefix(candidate, "-") || strings.ContainsAny(candidate, "^~:@{ ") {
			continue
		}
		if sha, err := r.line("rev-parse", "--verify", "--quiet", "--end-of-options", candidate+"^{commit}"); err == nil {
			r.known.Store(sha, true)
			return sha, nil
		}
	}
	return "", fmt.Errorf("%w: %s", errNoCommit, ref)
}

// Head is the SHA of a branch's newest commit.
func (r *Repository) Head(branch string) (string, error) {
	sha, err := r.line("rev-parse", "--verify", "--quiet", "refs/heads/"+branch)
	if err != nil {
		return "", fmt.Errorf("read branch %s of %s: %w", branch, r.FullName(), errNoCommit)
	}
	return sha, nil
}

// empty tells whether nothing was ever pushed.
func (r *Repository) empty() bool {
	out, err := r.line("for-each-ref", "--count=1", "refs/heads", "refs/tags")
	return err == nil && out == ""
}

// branchesAndTags are the refs that people push, with their SHAs.
func (r *Repository) branchesAndTags() (map[string]string, error) {
	out, err := r.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags")
	if err != nil {
		return nil, err
	}
	refs := map[string]string{}
	for line := range strings.Lines(out) {
		name, sha, _ := strings.Cut(strings.TrimSpace(line), " ")
		refs[name] = sha
	}
	return refs, nil
}

// isAncestor tells whether a commit is reachable from another.
func (r *Repository) isAncestor(old, young string) bool {
	_, err := r.git("merge-base", "--is-ancestor", old, young)
	return err == nil
}

// commit is a commit as git knows it.
type commit struct {
	sha, tree         string
	parents           []string
	author, committer signature
	message           string
}

type signature struct {
	name, email string
	at          time.Time
}

const commitFormat = "--format=%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B"

// log lists commits by the arguments of git log.
func (r *Repository) log(args ...string) ([]commit, error) {
	out, err := r.git(append([]string{"log", "-z", commitFormat}, args...)...)
	if err != nil {
		return nil, err
	}
	var list []commit
	for record := range strings.SplitSeq(out, "\x00") {
		if f := strings.SplitN(record, "\x1f", 10); len(f) == 10 {
			list = append(list, commit{
				sha: f[0], tree: f[1], parents: strings.Fields(f[2]),
				author:    signature{name: f[3], email: f[4], at: parseTime(f[5])},
				committer: signature{name: f[6], email: f[7], at: parseTime(f[8])},
				message:   strings.TrimRight(f[9], "\n"),
			})
		}
	}
	return list, nil
}

// commit reads one commit.
func (r *Repository) commit(sha string) (commit, error) {
	list, err := r.log("-1", sha)
	if err != nil {
		return commit{}, err
	}
	if len(list) != 1 {
		return commit{}, fmt.Errorf("%w: %s", errNoCommit, sha)
	}
	return list[0], nil
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// change is one file that differs between two trees.
type change struct {
	status               string // added, removed, modified, renamed or changed
	path, previous       string
	sha                  string
	additions, deletions int
}

var changeStatus = map[byte]string{'A': "added", 'D': "removed", 'M': "modified", 'R': "renamed", 'T': "changed", 'C': "copied"}

// diff lists the files that differ between two trees, by path.
func (r *Repository) diff(from, to string) ([]change, error) {
	raw, err := r.git("diff-tree", "-r", "-M", "-z", "--raw", "--no-abbrev", from, to)
	if err != nil {
		return nil, err
	}
	changes := map[string]change{}
	fields := strings.Split(raw, "\x00")
	for i := 0; i+1 < len(fields); {
		meta := strings.Fields(strings.TrimPrefix(fields[i], ":"))
		if len(meta) != 5 {
			i++
			continue
		}
		c := change{status: changeStatus[meta[4][0]], sha: meta[3], path: fields[i+1]}
		i += 2
		if c.status == "renamed" || c.status == "copied" {
			c.previous, c.path = c.path, fields[i]
			i++
		}
		if c.status == "removed" {
			c.sha = meta[2]
		}
		changes[c.path] = c
	}
	if err := r.countLines(from, to, changes); err != nil {
		return nil, err
	}
	var list []change
	for _, path := range slices.Sorted(maps.Keys(changes)) {
		list = append(list, changes[path])
	}
	return list, nil
}

// countLines adds to the changes how many lines came and went.
func (r *Repository) countLines(from, to string, changes map[string]change) error {
	out, err := r.git("diff-tree", "-r", "-M", "-z", "--numstat", from, to)
	if err != nil {
		return err
	}
	fields := strings.Split(out, "\x00")
	for i := 0; i < len(fields); i++ {
		f := strings.SplitN(fields[i], "\t", 3)
		if len(f) != 3 {
			continue
		}
		path := f[2]
		if path == "" && i+2 < len(fields) { // renamed: the old and the new path follow
			path = fields[i+2]
			i += 2
		}
		c, ok := changes[path]
		if !ok {
			continue
		}
		c.additions, c.deletions = atoi(f[0]), atoi(f[1])
		changes[path] = c
	}
	return nil
}

// atoi reads a count; git writes - for a binary file.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// login finds the person behind an address, empty if it is nobody's.
func (g *GitHub) login(email string) string {
	local, ok := strings.CutSuffix(strings.ToLower(email), "@users.noreply.github.com")
	if !ok {
		return ""
	}
	if _, after, ok := strings.Cut(local, "+"); ok {
		local = after
	}
	if a := g.accounts[local]; a != nil {
		return a.login
	}
	return ""
}
