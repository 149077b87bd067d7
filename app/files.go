package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// files is what a job reads and writes, in the process. It implements
// runner.Files: the token of a lease opens that job's inputs, outputs and log
// and nothing else.
type files struct{ *App }

var _ runner.Files = files{}

func artifactKey(digest string) string {
	return "artifacts/sha256/" + digest[:2] + "/" + digest + ".tar.zst"
}

func logKey(id pipeline.JobID) string {
	return "logs/" + id.String() + ".log.zst"
}

func (f files) Input(ctx context.Context, token, name string) (io.ReadCloser, error) {
	j, err := f.leased(ctx, token)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(j.Inputs, func(a pipeline.Artifact) bool { return a.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("job %s has no input %q", j.ID, name)
	}
	r, err := f.blobs.Get(ctx, artifactKey(j.Inputs[i].Digest))
	if err != nil {
		return nil, fmt.Errorf("open input %s of job %s: %w", name, j.ID, err)
	}
	return r, nil
}

func (f files) Output(ctx context.Context, token, name string, tar io.Reader) (pipeline.Artifact, error) {
	j, err := f.leased(ctx, token)
	if err != nil {
		return pipeline.Artifact{}, err
	}
	if !slices.ContainsFunc(j.Artifacts, func(o pipeline.Output) bool { return o.Name == name }) {
		return pipeline.Artifact{}, fmt.Errorf("job %s has no artifact %q", j.ID, name)
	}
	made, err := f.keepArtifact(ctx, name, tar)
	if err != nil {
		return pipeline.Artifact{}, err
	}
	return made, f.noteMade(ctx, token, made)
}

// noteMade keeps with the job what it has stored.
func (f files) noteMade(ctx context.Context, token string, made pipeline.Artifact) error {
	return f.store.Update(ctx, func(tx store.Tx) error {
		j, err := held(ctx, tx, token)
		if err != nil {
			return err
		}
		j.Made = append(slices.DeleteFunc(j.Made, func(a pipeline.Artifact) bool { return a.Name == made.Name }), made)
		return tx.SaveJob(ctx, j)
	})
}

// keepArtifact stores a canonical tar under its digest. The tar passes through
// a temporary file because its digest, which names it, is known at its end.
func (a *App) keepArtifact(ctx context.Context, name string, tar io.Reader) (pipeline.Artifact, error) {
	spool, err := os.CreateTemp(a.path("tmp"), "artifact-*")
	if err != nil {
		return pipeline.Artifact{}, fmt.Errorf("spool artifact %s: %w", name, err)
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(spool, sum), tar)
	if err != nil {
		return pipeline.Artifact{}, fmt.Errorf("spool artifact %s: %w", name, err)
	}
	art := pipeline.Artifact{Name: name, Digest: hex.EncodeToString(sum.Sum(nil)), Size: size}
	switch have, err := a.blobs.Has(ctx, artifactKey(art.Digest)); {
	case err != nil:
		return pipeline.Artifact{}, err
	case have:
		return art, nil
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return pipeline.Artifact{}, fmt.Errorf("rewind artifact %s: %w", name, err)
	}
	return art, a.blobs.Put(ctx, artifactKey(art.Digest), spool)
}

func (f files) Log(ctx context.Context, token string, from int64) (io.WriteCloser, error) {
	j, err := f.leased(ctx, token)
	if err != nil {
		return nil, err
	}
	w, err := os.OpenFile(f.growingLog(j.ID), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of job %s: %w", j.ID, err)
	}
	if err := cutTo(w, from); err != nil {
		return nil, errors.Join(fmt.Errorf("open log of job %s: %w", j.ID, err), w.Close())
	}
	return w, nil
}

// cutTo leaves the beginning of a file, to be written on from there.
func cutTo(f *os.File, size int64) error {
	info, err := f.Stat()
	if err == nil && info.Size() < size {
		err = fmt.Errorf("it has %d bytes, and more is to come at %d", info.Size(), size)
	}
	if err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	_, err = f.Seek(size, io.SeekStart)
	return err
}

// growingLog is where a job's log stands until the job has ended.
func (a *App) growingLog(id pipeline.JobID) string {
	sum := sha256.Sum256([]byte(id.String()))
	return filepath.Join(a.path("logs"), hex.EncodeToString(sum[:16])+".log")
}

// keepLog moves the log of an ended job to the blobs. Done twice it does no
// harm.
func (a *App) keepLog(ctx context.Context, id pipeline.JobID) error {
	r, err := os.Open(a.growingLog(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer r.Close()
	return a.blobs.Put(ctx, logKey(id), r)
}

// dropLog removes the growing log, which now stands in the blobs. What a crash
// leaves behind is removed at the next start.
func (a *App) dropLog(id pipeline.JobID) {
	if err := os.Remove(a.growingLog(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.log.Warn("log not removed", "job", id.String(), "error", err)
	}
}

// openLog opens a job's log, growing or whole.
func (a *App) openLog(ctx context.Context, id pipeline.JobID) (io.ReadCloser, error) {
	r, err := os.Open(a.growingLog(id))
	if err == nil {
		return r, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open log of job %s: %w", id, err)
	}
	return a.blobs.Get(ctx, logKey(id))
}

// prepareFolders makes the folders below the data folder and empties the one
// for temporary files.
func (a *App) prepareFolders() error {
	if err := os.RemoveAll(a.path("tmp")); err != nil {
		return fmt.Errorf("empty the temporary folder: %w", err)
	}
	for _, name := range []string{"tmp", "logs"} {
		if err := os.MkdirAll(a.path(name), 0o700); err != nil {
			return fmt.Errorf("make folder %s: %w", name, err)
		}
	}
	return nil
}

func (a *App) path(name string) string { return filepath.Join(a.settings.Data, name) }
