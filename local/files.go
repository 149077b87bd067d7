package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// files is what jobs read and write, below the home folder. It implements
// runner.Files.
type files struct {
	jobs     *jobs
	home     *home
	shelf    *shelf
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
	return f.shelf.open(l.job.Inputs[i]), nil
}

func (f *files) Output(_ context.Context, token, name string, tar io.Reader) (pipeline.Artifact, error) {
	l, err := f.jobs.held(token)
	if err != nil {
		return pipeline.Artifact{}, err
	}
	if !slices.ContainsFunc(l.job.Artifacts, func(o pipeline.Output) bool { return o.Name == name }) {
		return pipeline.Artifact{}, fmt.Errorf("job %s has no artifact %q", l.job.ID, name)
	}
	a, err := f.shelf.put(name, tar, l.job.CommitTime)
	if err != nil {
		return pipeline.Artifact{}, fmt.Errorf("store artifact %s: %w", name, err)
	}
	return a, nil
}

// Secrets gives the values the job names. That each has one was seen to before
// anything ran.
func (f *files) Secrets(_ context.Context, token string) ([]pipeline.Value, error) {
	l, err := f.jobs.held(token)
	if err != nil {
		return nil, err
	}
	var values []pipeline.Value
	for _, s := range l.job.Secrets {
		value, ok := f.secrets[s.Name]
		if !ok {
			return nil, &runner.Refusal{Reason: "there is no secret " + s.Name}
		}
		values = append(values, pipeline.Value{Name: s.Name, Value: value})
	}
	return values, nil
}

// Login has none to give: a local run pulls with what the engine has.
func (f *files) Login(_ context.Context, token, _ string) (runner.Login, error) {
	_, err := f.jobs.held(token)
	return runner.Login{}, err
}

func (f *files) Log(_ context.Context, token string, _ int64) (io.WriteCloser, error) {
	l, err := f.jobs.held(token)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join("logs", l.job.ID.Stage)
	if err := f.home.root.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open log of job %s: %w", l.job.ID, err)
	}
	w, err := f.home.root.Create(filepath.Join(dir, l.job.ID.Action+".log"))
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
