package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"unicode/utf8"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// collect takes out of a container that succeeded what the job made. All of it
// is hostile: nothing of it touches this machine's files but through
// internal/artifact.
func (t *task) collect() error {
	slow := errored("storing the artifacts took longer than %s", t.r.Limits.Timeout)
	ctx, stop := context.WithTimeoutCause(t.work, t.r.Limits.Timeout, slow)
	defer stop()
	err := t.collectAll(ctx)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (t *task) collectAll(ctx context.Context) error {
	outputs, err := t.outputs(ctx)
	if err != nil {
		return err
	}
	artifacts := make([]pipeline.Artifact, 0, len(t.job.Artifacts))
	for _, o := range t.job.Artifacts {
		a, err := t.store(ctx, o)
		if err != nil {
			return err
		}
		artifacts = append(artifacts, a)
	}
	t.result.Status = pipeline.Succeeded
	t.result.Outputs, t.result.Artifacts = outputs, artifacts
	return nil
}

// outputs reads $STAGEGATE_OUTPUT. A job that removed the file has none.
func (t *task) outputs(ctx context.Context) ([]pipeline.Value, error) {
	text, err := t.space.read(ctx, outputPath, maxOutputs+1)
	switch {
	case errors.Is(err, ErrNoPath):
		return nil, nil
	case errors.Is(err, artifact.ErrNotRegular):
		return nil, failed("$STAGEGATE_OUTPUT is no regular file any more")
	case err != nil:
		return nil, fmt.Errorf("read outputs: %w", err)
	case len(text) > maxOutputs:
		return nil, failed("$STAGEGATE_OUTPUT has more than %s", size(maxOutputs))
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		return nil, failed("$STAGEGATE_OUTPUT is not UTF-8 text")
	}
	values, err := parseOutputs(string(text))
	if err != nil {
		return nil, failed("$STAGEGATE_OUTPUT: %v", err)
	}
	return values, nil
}

// store packs one path of the workspace and hands it to Files.
func (t *task) store(ctx context.Context, o pipeline.Output) (pipeline.Artifact, error) {
	a, report, err := t.pack(ctx, o)
	switch {
	case errors.Is(err, ErrNoPath):
		return a, failed("artifact %s: nothing at %s", o.Name, o.Path)
	case errors.Is(err, artifact.ErrNotRegular):
		return a, failed("artifact %s: %s is neither a folder nor a regular file", o.Name, o.Path)
	case errors.Is(err, artifact.ErrTooLarge):
		return a, failed("artifact %s: larger than %s", o.Name, size(t.r.Limits.Artifact))
	case err != nil:
		return a, fmt.Errorf("store artifact %s: %w", o.Name, err)
	}
	t.say("artifact %s: files %d, size %s, sha256:%s", o.Name, report.Files, size(report.Size), report.Digest)
	for _, line := range report.LeftOut {
		t.say("artifact %s: left out %s", o.Name, line)
	}
	return a, nil
}

// pack runs the packing beside the storing, and joins it.
func (t *task) pack(ctx context.Context, o pipeline.Output) (pipeline.Artifact, artifact.Report, error) {
	pr, pw := io.Pipe()
	var report artifact.Report
	packed := make(chan error, 1)
	go func() {
		var err error
		report, err = t.space.pack(ctx, pw, path.Join(workDir(t.job), path.Join("/", o.Path)), artifact.Options{
			Time:     t.job.CommitTime,
			Symlinks: true,
			MaxBytes: t.r.Limits.Artifact,
		})
		_ = pw.CloseWithError(err)
		packed <- err
	}()
	stored, err := t.r.Files.Output(ctx, t.lease.Token, o.Name, pr)
	_ = pr.CloseWithError(io.ErrClosedPipe)
	if perr := <-packed; perr != nil && !errors.Is(perr, io.ErrClosedPipe) {
		return stored, report, perr
	}
	if err == nil && stored.Digest != report.Digest {
		err = fmt.Errorf("stored as %s, packed as %s", stored.Digest, report.Digest)
	}
	return stored, report, err
}
