package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// files is what jobs read and write, below the home folder. It implements
// runner.Files.
type files struct {
	jobs     *jobs
	home     *home
	source   source
	secrets  map[string]string
	reporter Reporter
}

var _ runner.Files = (*files)(nil)

func (f *files) Input(_ context.Context, token, name string) (io.ReadCloser, error) {
	l, err := f.jobs.held(token)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(l.job.Inputs, func(a pipeline.Artifact) bool { return a.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("job %s has no input %q", l.job.ID, name)
	}
	if name == pipeline.SourceArtifact {
		return f.source.open(), nil
	}
	return os.Open(f.home.join("tmp", l.job.Inputs[i].Digest+".tar"))
}

func (f *files) Output(_ context.Context, token, name string, tar io.Reader) (pipeline.Artifact, error) {
	l, err := f.jobs.held(token)
	if err != nil {
		return pipeline.Artifact{}, err
	}
	if !slices.ContainsFunc(l.job.Artifacts, func(o pipeline.Output) bool { return o.Name == name }) {
		return pipeline.Artifact{}, fmt.Errorf("job %s has no artifact %q", l.job.ID, name)
	}
	t, err := os.CreateTemp(f.home.join("tmp"), "artifact-*")
	if err != nil {
		return pipeline.Artifact{}, err
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(t, sum), tar)
	if err = errors.Join(err, t.Close()); err != nil {
		return pipeline.Artifact{}, fmt.Errorf("store artifact %s: %w", name, err)
	}
	a := pipeline.Artifact{Name: name, Digest: hex.EncodeToString(sum.Sum(nil)), Size: size}
	stored := f.home.join("tmp", a.Digest+".tar")
	if err := os.Rename(t.Name(), stored); err != nil {
		return pipeline.Artifact{}, fmt.Errorf("store artifact %s: %w", name, err)
	}
	if err := f.show(name, stored); err != nil {
		return pipeline.Artifact{}, fmt.Errorf("unpack artifact %s: %w", name, err)
	}
	return a, nil
}

// show unpacks an artifact where a person finds it after the run, in place of
// what an earlier run left.
func (f *files) show(name, stored string) error {
	dir := f.home.join("artifacts", name)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	src, err := os.Open(stored)
	if err != nil {
		return err
	}
	defer src.Close()
	_, err = artifact.Unpack(root, src, false)
	return err
}

// Secrets gives the values the job names. That each has one was seen to before
// anything ran.
func (f *files) Secrets(_ context.Context, token string) ([]pipeline.Value, error) {
	l, err := f.jobs.held(token)
	if err != nil {
		return nil, err
	}
	var values []pipeline.Value
	for _, name := range l.job.Secrets {
		value, ok := f.secrets[name]
		if !ok {
			return nil, &runner.Refusal{Reason: "there is no secret " + name}
		}
		values = append(values, pipeline.Value{Name: name, Value: value})
	}
	return values, nil
}

func (f *files) Log(_ context.Context, token string) (io.WriteCloser, error) {
	l, err := f.jobs.held(token)
	if err != nil {
		return nil, err
	}
	name := f.home.join("logs", l.job.ID.Stage, l.job.ID.Action+".log")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, fmt.Errorf("open log of job %s: %w", l.job.ID, err)
	}
	w, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("open log of job %s: %w", l.job.ID, err)
	}
	return &logFile{File: w, id: l.job.ID, reporter: f.reporter}, nil
}

// logFile stores a log and shows it.
type logFile struct {
	*os.File
	id       pipeline.JobID
	reporter Reporter
	part     []byte // of a line whose end has not come
}

func (l *logFile) Write(p []byte) (int, error) {
	l.show(p)
	return l.File.Write(p)
}

func (l *logFile) show(p []byte) {
	end := bytes.LastIndexByte(p, '\n') + 1
	whole, rest := p[:end], p[end:]
	switch {
	case end == 0:
	case len(l.part) > 0:
		l.reporter.Log(l.id.Stage, l.id.Action, append(l.part, whole...))
		l.part = l.part[:0]
	default:
		l.reporter.Log(l.id.Stage, l.id.Action, whole)
	}
	l.part = append(l.part, rest...)
}
