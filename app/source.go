package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/mirror"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
)

const (
	// maxSource is CodePipeline's limit for a source that comes from Git.
	maxSource = 1 << 30
	// sourcePatience is how long GitHub may be unable to give a tree before
	// the execution fails; what it says does not exist it is asked for less long.
	sourcePatience  = time.Hour
	missingPatience = 2 * time.Minute
)

// fetchSource fetches the tree of an execution's commit, packs it anew and
// hands it in. After some time without success the execution fails.
func (a *App) fetchSource(ctx context.Context, w store.FetchSource) error {
	x, err := a.execution(ctx, w.Execution)
	if err != nil || x.Status != pipeline.Pending {
		return err
	}
	art, notes, err := a.whileTelling(ctx, x)
	if err == nil {
		return a.apply(ctx, x.ID, pipeline.SourceFetched{At: a.now(), Source: art, Notes: notes})
	}
	if a.tryAgain(x, err) {
		return err
	}
	a.log.Error("source not fetched", "execution", x.ID, "repository", x.Repository, "commit", x.Revision.Commit, "error", err)
	return a.apply(ctx, x.ID, pipeline.SourceFailed{At: a.now(), Reason: "the source could not be fetched: " + err.Error()})
}

// whileTelling packs the source while GitHub is told that the execution exists,
// so that its check runs are seen queued before the first one starts. An error
// of the telling is not looked at: the queue holds a report of its own.
func (a *App) whileTelling(ctx context.Context, x store.Execution) (pipeline.Artifact, []string, error) {
	told := make(chan struct{})
	go func() {
		defer close(told)
		_ = a.report(ctx, store.Report{Execution: x.ID, Version: x.Version})
	}()
	pack := a.packSource
	if x.Definition.Source.Clone {
		pack = a.packClone
	}
	art, notes, err := pack(ctx, x)
	<-told
	return art, notes, err
}

func (a *App) tryAgain(x store.Execution, err error) bool {
	age := a.now().Sub(x.CreatedAt)
	var limited *github.RateLimited
	switch {
	case errors.Is(err, github.ErrGone), errors.Is(err, errBadSource), errors.Is(err, artifact.ErrTooLarge), errors.Is(err, artifact.ErrTooMany):
		return false
	case errors.Is(err, mirror.ErrRefused), errors.Is(err, mirror.ErrTooLarge), errors.Is(err, mirror.ErrNoGit):
		return false
	case errors.As(err, &limited):
		return true
	case errors.Is(err, github.ErrNotFound), errors.Is(err, github.ErrRefused), errors.Is(err, mirror.ErrMissing):
		return age < missingPatience
	default:
		return age < sourcePatience
	}
}

// errBadSource is a tarball that no further attempt makes better.
var errBadSource = errors.New("unusable source")

// packSource makes the source artifact of GitHub's tarball and notes what the
// tarball leaves out.
func (a *App) packSource(ctx context.Context, x store.Execution) (pipeline.Artifact, []string, error) {
	body, err := a.github.Tarball(ctx, repository(x), x.Revision.Commit)
	if err != nil {
		return pipeline.Artifact{}, nil, fmt.Errorf("fetch the tarball: %w", err)
	}
	defer body.Close()
	art, report, notes, err := a.pack(ctx, x, body)
	switch {
	case err != nil:
		return pipeline.Artifact{}, nil, err
	case report.Comment != "" && report.Comment != x.Revision.Commit:
		return pipeline.Artifact{}, nil, fmt.Errorf("%w: GitHub's tarball is of commit %s", errBadSource, report.Comment)
	}
	if attributes, err := a.rootAttributes(ctx, x, notes); err != nil {
		return pipeline.Artifact{}, nil, err
	} else if attributes != "" {
		notes = append(notes, attributes)
	}
	for _, l := range report.LeftOut {
		notes = append(notes, "left out of the source: "+l)
	}
	return art, notes, nil
}

// pack reads a tarball once, for two readers: one packs it anew, the other
// looks for what it leaves out.
func (a *App) pack(ctx context.Context, x store.Execution, tarball io.Reader) (pipeline.Artifact, artifact.Report, []string, error) {
	unzipped, err := gzip.NewReader(tarball)
	if err != nil {
		return pipeline.Artifact{}, artifact.Report{}, nil, fmt.Errorf("read the tarball: %w", err)
	}
	packed, packing := io.Pipe()
	looked, looking := io.Pipe()
	var (
		report  artifact.Report
		packErr error
		notes   []string
		both    sync.WaitGroup
	)
	both.Go(func() {
		notes = leftOut(looked)
		_, _ = io.Copy(io.Discard, looked) // so that the packer is never held up
	})
	both.Go(func() {
		report, packErr = artifact.Canonical(packing, io.TeeReader(unzipped, looking), artifact.Options{
			Strip: 1, Time: x.Revision.Time, Symlinks: true, TempDir: a.path("tmp"), MaxBytes: maxSource,
		})
		_ = looking.Close()
		_ = packing.CloseWithError(packErr)
	})
	art, err := a.keepArtifact(ctx, pipeline.SourceArtifact, packed)
	_ = packed.CloseWithError(err) // where it could not be kept, the packer learns why
	both.Wait()
	if packErr != nil {
		err = fmt.Errorf("pack the tree: %w", packErr)
	}
	return art, report, notes, err
}

// rootAttributes asks GitHub for the root's .gitattributes, which can keep
// itself out of a tarball, unless the tarball told already.
func (a *App) rootAttributes(ctx context.Context, x store.Execution, notes []string) (string, error) {
	for _, n := range notes {
		if n == exportNote {
			return "", nil
		}
	}
	data, found, err := a.github.File(ctx, repository(x), ".gitattributes", x.Revision.Commit)
	if err != nil {
		return "", fmt.Errorf("read .gitattributes: %w", err)
	}
	if found && exports(data) {
		return exportNote, nil
	}
	return "", nil
}

// What a tarball leaves out, in the words of the check run.
const (
	submoduleNote = "The tree has submodules; the source holds empty folders in their place."
	lfsNote       = "The tree has Git LFS files; the source holds their pointers, not their content."
	exportNote    = "The tree has export-ignore or export-subst attributes; the source follows them, as `git archive` does."
)

// leftOut looks through the tarball of a tree for signs of what it leaves out.
func leftOut(r io.Reader) []string {
	var submodules, lfs, export bool
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if err != nil {
			break // whoever packs the stream says what is wrong with it
		}
		_, name, _ := strings.Cut(strings.TrimPrefix(h.Name, "./"), "/")
		switch {
		case name == ".gitmodules":
			submodules = true
		case h.Typeflag != tar.TypeReg:
		case name == ".gitattributes" || strings.HasSuffix(name, "/.gitattributes"):
			data, _ := io.ReadAll(io.LimitReader(t, 1<<20))
			export = export || exports(data)
		case h.Size < 1024:
			data, _ := io.ReadAll(t)
			lfs = lfs || bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/"))
		}
	}
	var notes []string
	for _, n := range []struct {
		is   bool
		note string
	}{{submodules, submoduleNote}, {lfs, lfsNote}, {export, exportNote}} {
		if n.is {
			notes = append(notes, n.note)
		}
	}
	return notes
}

// exports tells whether a .gitattributes changes what an archive holds.
func exports(attributes []byte) bool {
	for line := range strings.Lines(string(attributes)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		for _, f := range fields[1:] {
			if f == "export-ignore" || f == "export-subst" {
				return true
			}
		}
	}
	return false
}

// repository is how the adapter for GitHub names an execution's repository.
func repository(x store.Execution) github.Repository {
	owner, name, _ := strings.Cut(x.Repository, "/")
	return github.Repository{Installation: x.Installation, ID: x.RepositoryID, Owner: owner, Name: name}
}

func (a *App) execution(ctx context.Context, id string) (store.Execution, error) {
	var x store.Execution
	err := a.store.View(ctx, func(tx store.Tx) error {
		var err error
		x, err = tx.Execution(ctx, id)
		return err
	})
	if err != nil {
		return store.Execution{}, fmt.Errorf("read execution %s: %w", id, err)
	}
	return x, nil
}

// apply gives one event to an execution in a transaction of its own.
func (a *App) apply(ctx context.Context, id string, e pipeline.Event) error {
	return a.update(ctx, func(tx store.Tx) error { return store.Apply(ctx, tx, id, e) })
}
