package local

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// earliest stands in for the time of a commit where there is none: the first
// that a zip archive can hold.
var earliest = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// revision reads what HEAD is. A tree without a commit, or without Git, has
// only its time.
func (w worktree) revision(ctx context.Context) (pipeline.Revision, error) {
	none := pipeline.Revision{Time: earliest}
	if !w.git {
		return none, nil
	}
	out, err := w.command(ctx, "log", "-1", "--decorate=full", "--format=%H%x00%ct%x00%an%x00%D%x00%B")
	if err != nil {
		branch, berr := w.command(ctx, "symbolic-ref", "HEAD")
		if berr != nil {
			return none, err
		}
		none.Ref = strings.TrimSpace(string(branch)) // of a repository without a commit
		none.Branch = strings.TrimPrefix(none.Ref, "refs/heads/")
		return none, nil
	}
	return parseRevision(string(out)), nil
}

// parseRevision reads commit, time, author, decoration and message, which NUL
// divides.
func parseRevision(text string) pipeline.Revision {
	r := pipeline.Revision{Time: earliest, Ref: "HEAD"}
	f := strings.SplitN(text, "\x00", 5)
	if len(f) < 5 {
		return r
	}
	r.Commit, r.Author, r.Message = f[0], f[2], strings.TrimRight(f[4], "\n")
	if seconds, err := strconv.ParseInt(f[1], 10, 64); err == nil {
		r.Time = time.Unix(seconds, 0).UTC()
	}
	for name := range strings.SplitSeq(f[3], ", ") {
		if ref, ok := strings.CutPrefix(name, "HEAD -> "); ok {
			r.Ref, r.Branch = ref, strings.TrimPrefix(ref, "refs/heads/")
		}
	}
	return r
}

// dirty tells whether the tree differs from its commit.
func (w worktree) dirty(ctx context.Context) (bool, error) {
	if !w.git {
		return false, nil
	}
	out, err := w.command(ctx, "status", "--porcelain", "-z", "--untracked-files=normal", "--ignore-submodules=none")
	return len(out) > 0, err
}

// describe names a revision for people.
func describe(r pipeline.Revision, dirty bool) string {
	text := r.Commit[:min(7, len(r.Commit))]
	switch {
	case r.Commit == "" && r.Ref == "":
		return ""
	case r.Commit == "":
		text = "no commit yet"
	case dirty:
		text += " with uncommitted changes"
	}
	if r.Branch != "" {
		text = r.Branch + " at " + text
	}
	return text
}
