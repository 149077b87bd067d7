package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner/redact"
)

// maxEntries bounds the files, folders and links of an artifact, and with them
// the memory that packing takes.
const maxEntries = 1_000_000

// collect takes out of a container that succeeded what the job made. All of it
// is hostile: nothing of it touches this machine's files but through
// internal/artifact.
func (t *task) collect() error {
	slow := errored("storing the artifacts took longer than %s", t.r.Limits.Timeout)
	ctx, stop := context.WithTimeoutCause(t.work, t.r.Limits.Timeout, slow)
	defer stop()
	collect := t.collectAll
	if _, far := t.space.(volume); far { // a folder needs no engine
		collect = func(ctx context.Context) error { return t.heard(ctx, t.collectAll) }
	}
	err := collect(ctx)
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
		return nil, failed("$STAGEGATE_OUTPUT has more than %s: hand large texts on as an artifact", human.Size(maxOutputs))
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		return nil, failed("$STAGEGATE_OUTPUT is not UTF-8 text")
	}
	values, err := parseOutputs(string(text))
	if err != nil {
		return nil, failed("$STAGEGATE_OUTPUT: %v", err)
	}
	return t.withoutSecrets(values), nil
}

// withoutSecrets drops the outputs that hold a secret, because outputs are
// stored and shown in the clear.
func (t *task) withoutSecrets(outputs []pipeline.Value) []pipeline.Value {
	masker := t.log.Masker()
	return slices.DeleteFunc(outputs, func(v pipeline.Value) bool {
		secret := masker.Finds(v.Value) || masker.Finds(v.Name)
		if secret {
			t.say("output %s is left out: it holds a secret", v.Name)
		}
		return secret
	})
}

const (
	maxSummary  = 1 << 20  // what of $STAGEGATE_SUMMARY is read
	keptSummary = 64 << 10 // and what of that is kept
	summaryTime = time.Minute
)

// summary reads $STAGEGATE_SUMMARY, whatever became of the job. A summary that
// cannot be had does not change that; only an engine that is away does, because
// it will come back.
func (t *task) summary() error {
	ctx, stop := context.WithTimeout(t.leased, summaryTime)
	defer stop()
	text, err := t.space.read(ctx, summaryPath, maxSummary+1)
	switch {
	case errors.Is(err, ErrUnavailable):
		return fmt.Errorf("read summary: %w", err)
	case errors.Is(err, ErrNoPath):
		return nil
	case errors.Is(err, artifact.ErrNotRegular):
		t.say("$STAGEGATE_SUMMARY is no regular file any more and is left out")
		return nil
	case err != nil:
		t.say("$STAGEGATE_SUMMARY could not be read: %v", err)
		return nil
	}
	// What is cut off may begin in the middle of a secret, so its last bytes
	// count only when they are the end.
	var hide redact.Stream
	shown := hide.Next(nil, t.log.Masker(), text)
	if len(text) <= maxSummary {
		shown = hide.End(shown, t.log.Masker())
	}
	t.result.Summary = human.Cut(string(harmless(shown)), keptSummary)
	if len(shown) > keptSummary {
		t.say("$STAGEGATE_SUMMARY is cut: only its first %s are shown", human.Size(keptSummary))
	}
	return nil
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
		return a, failed("artifact %s: larger than %s", o.Name, human.Size(t.r.Limits.Artifact))
	case errors.Is(err, artifact.ErrTooMany):
		return a, failed("artifact %s: more than %d files and folders; pack them into one file", o.Name, maxEntries)
	case err != nil:
		return a, fmt.Errorf("store artifact %s: %w", o.Name, err)
	}
	t.say("artifact %s: files %d, size %s, sha256:%s", o.Name, report.Files, human.Size(report.Size), report.Digest)
	for _, line := range report.LeftOut {
		t.say("artifact %s: left out %s", o.Name, line)
	}
	return a, nil
}

// pack runs the packing beside the storing, and joins it.
func (t *task) pack(ctx context.Context, o pipeline.Output) (pipeline.Artifact, artifact.Report, error) {
	packing := artifact.Start(func(dst io.Writer) (artifact.Report, error) {
		return t.space.pack(ctx, dst, path.Join(workDir(t.job), path.Join("/", o.Path)), artifact.Options{
			Time:       t.job.CommitTime,
			Symlinks:   true,
			MaxBytes:   t.r.Limits.Artifact,
			MaxEntries: maxEntries,
		})
	})
	defer context.AfterFunc(ctx, packing.Stop)()
	stored, err := t.r.Files.Output(ctx, t.lease.Token, o.Name, packing)
	_ = packing.Close()
	report, perr := packing.Report()
	if perr != nil && !errors.Is(perr, io.ErrClosedPipe) {
		return stored, report, perr
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", errKeeping, err)
	case stored.Digest != report.Digest:
		err = fmt.Errorf("stored as %s, packed as %s", stored.Digest, report.Digest)
	}
	return stored, report, err
}

// errKeeping is wrapped by what Files has against an artifact.
var errKeeping = errors.New("keep it")
