package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/mirror"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// cloneTimeout ends the fetch of a source that hangs: a first clone may take
// longer than other work.
const cloneTimeout = 30 * time.Minute

// readable is GitHub as the mirrors see it for one execution: its own repository,
// those that everybody may read, and those that whoever started it may read. The
// installation may read more, which a .gitmodules must not open to everybody who
// can push one.
type readable struct {
	github *github.Client
	own    github.Repository
	actor  string
}

func (r readable) Find(ctx context.Context, name string) (mirror.Repository, error) {
	wanted := r.own
	wanted.Owner, wanted.Name, _ = strings.Cut(name, "/")
	found, public, err := r.github.Find(ctx, wanted)
	if errors.Is(err, github.ErrNotFound) || errors.Is(err, github.ErrForbidden) {
		return mirror.Repository{}, fmt.Errorf("%w: %w", mirror.ErrMissing, err)
	}
	if err == nil && found.ID != r.own.ID && !public {
		err = r.admit(ctx, found)
	}
	return mirror.Repository{ID: found.ID, Name: found.String()}, err
}

// admit asks GitHub whether the actor may read a repository.
func (r readable) admit(ctx context.Context, repo github.Repository) error {
	if r.actor == "" {
		return fmt.Errorf("%w: %s is not public, and nobody in person started this", mirror.ErrRefused, repo)
	}
	may, err := r.github.Permission(ctx, repo, r.actor)
	if err == nil && may < github.Read {
		err = fmt.Errorf("%w: %s is not public, and %s, who started this, may not read it", mirror.ErrRefused, repo, r.actor)
	}
	return err
}

func (r readable) Token(ctx context.Context) (string, error) {
	return r.github.ReadToken(ctx, r.own.Installation)
}

// packClone makes the source artifact of a clone.
func (a *App) packClone(ctx context.Context, x store.Execution) (pipeline.Artifact, []string, error) {
	dir, err := os.MkdirTemp(a.path("tmp"), "clone-*")
	if err != nil {
		return pipeline.Artifact{}, nil, fmt.Errorf("make a folder for the clone: %w", err)
	}
	defer os.RemoveAll(dir)
	left, err := a.mirrors.Checkout(ctx, a.cloneOf(x), dir)
	if err != nil {
		return pipeline.Artifact{}, nil, err
	}
	art, notes, err := a.packFolder(ctx, x, dir)
	if left.LFS {
		notes = append([]string{lfsNote}, notes...)
	}
	if left.Submodules {
		notes = append([]string{submoduleNote}, notes...)
	}
	return art, notes, err
}

// cloneOf is what an execution's pipeline asks for.
func (a *App) cloneOf(x store.Execution) mirror.Request {
	repo := repository(x)
	r := mirror.Request{
		Host:       readable{a.github, repo, x.Actor},
		Repository: mirror.Repository{ID: repo.ID, Name: repo.String()},
		Commit:     x.Revision.Commit,
		Depth:      x.Definition.Source.Depth,
		Submodules: submodules[x.Definition.Source.Submodules],
		LFS:        x.Definition.Source.LFS,
		Fresh:      x.CreatedAt,
	}
	if branch, ok := strings.CutPrefix(x.Revision.Ref, "refs/heads/"); ok {
		r.Branch = branch
	}
	return r
}

var submodules = map[pipeline.Submodules]mirror.Submodules{
	pipeline.OwnSubmodules: mirror.OwnSubmodules,
	pipeline.AllSubmodules: mirror.AllSubmodules,
}

// packFolder makes the source artifact of a working tree, and notes what it
// leaves out.
func (a *App) packFolder(ctx context.Context, x store.Execution, dir string) (pipeline.Artifact, []string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return pipeline.Artifact{}, nil, fmt.Errorf("open the clone: %w", err)
	}
	defer root.Close()
	packed := artifact.Start(func(dst io.Writer) (artifact.Report, error) {
		return artifact.Pack(dst, root, ".", artifact.Options{
			Time: x.Revision.Time, Symlinks: true, MaxBytes: maxClone, MaxEntries: maxCloneFiles,
		})
	})
	defer packed.Close()
	art, err := a.keepArtifact(ctx, pipeline.SourceArtifact, packed)
	if err != nil {
		return pipeline.Artifact{}, nil, fmt.Errorf("pack the clone: %w", err)
	}
	report, err := packed.Report()
	if err != nil {
		return pipeline.Artifact{}, nil, fmt.Errorf("pack the clone: %w", err)
	}
	var notes []string
	for _, l := range report.LeftOut {
		notes = append(notes, "left out of the source: "+l)
	}
	return art, notes, nil
}

// The limits of a clone are those of every artifact.
const (
	maxClone      = 10 << 30
	maxCloneFiles = 1_000_000
)

// gitAddress is where git reads what an API base serves.
func gitAddress(api string) string {
	if web := webAddress(api); web != "" {
		return web
	}
	u, err := url.Parse(api)
	if err != nil {
		return api
	}
	return u.Scheme + "://" + u.Host
}
