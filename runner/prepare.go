package runner

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Where a job finds its things inside its container.
const (
	scriptPath = "/stagegate/run"
	outputPath = "/stagegate/output"
	inputsPath = "/stagegate/inputs"
	emptyDir   = inputsPath + "/.empty" // the working directory of a job without inputs
)

// Labels of a container. The first two find it again; the others are for
// people.
const (
	LabelRunner     = "stagegate.runner"
	LabelJob        = "stagegate.job"
	labelRepository = "stagegate.repository"
	labelPipeline   = "stagegate.pipeline"
	labelImage      = "stagegate.image"
)

// begin makes the container, fills it, starts it and follows it. Nothing
// before the start cannot be done again.
func (t *task) begin() error {
	slow := errored("preparing the container took longer than %s", t.r.Limits.Timeout)
	ctx, stop := context.WithTimeoutCause(t.work, t.r.Limits.Timeout, slow)
	defer stop()
	err := t.prepare(ctx)
	if err == nil {
		return t.start()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (t *task) prepare(ctx context.Context) error {
	t.notes = nil
	if err := t.openLog(); err != nil {
		return err
	}
	image, err := t.r.Engine.Image(ctx, t.job.Image, t.note)
	if err != nil {
		return fmt.Errorf("get image %s: %w", t.job.Image, err)
	}
	t.result.Image = image.Digest
	t.container, err = t.create(ctx, image)
	if err != nil {
		return fmt.Errorf("create container: %w", err)
	}
	if err := t.fill(ctx, !image.Root); err != nil {
		return fmt.Errorf("fill workspace: %w", err)
	}
	return nil
}

// create makes the job's container. A name that is taken is a container of an
// earlier lease of the same job; it must not run beside this one.
func (t *task) create(ctx context.Context, image Image) (Container, error) {
	// Whoever gives up in the middle would not know whether there is one now.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	spec := t.spec(image)
	c, err := t.r.Engine.Create(ctx, spec)
	if !errors.Is(err, ErrNameTaken) {
		return c, err
	}
	found, err := t.find()
	if err != nil {
		return nil, err
	}
	if found != nil {
		t.r.remove(ctx, found.Container)
	}
	return t.r.Engine.Create(ctx, spec)
}

func (t *task) spec(image Image) Spec {
	id := t.job.ID.String()
	return Spec{
		Name:  ContainerName(t.r.ID, id),
		Image: image.ID,
		Labels: map[string]string{
			LabelRunner:     t.r.ID,
			LabelJob:        id,
			labelRepository: t.job.Repository,
			labelPipeline:   t.job.Pipeline,
			labelImage:      image.Digest,
		},
		Command: command(t.job.Shell),
		Dir:     workDir(t.job),
		Env:     environment(t.job, t.secrets),
		Limits:  t.r.Limits,
	}
}

// ContainerName is the same for the same job, so that a second create of it
// fails. The runner is in it because two installations on one engine may well
// use the same job ids.
func ContainerName(runner, job string) string {
	sum := sha256.Sum256([]byte(runner + "\x00" + job))
	return "stagegate-" + hex.EncodeToString(sum[:8])
}

// command returns what runs the script: sh -e, bash with pipefail, or the
// words of the author's own shell line, where {0} stands for the script.
func command(shell string) []string {
	switch shell {
	case "", "sh":
		return []string{"sh", "-e", scriptPath}
	case "bash":
		return []string{"bash", "-eo", "pipefail", scriptPath}
	}
	words := strings.Fields(shell)
	named := false
	for i, w := range words {
		named = named || strings.Contains(w, "{0}")
		words[i] = strings.ReplaceAll(w, "{0}", scriptPath)
	}
	if !named {
		words = append(words, scriptPath)
	}
	return words
}

func workDir(j pipeline.Job) string {
	if len(j.Inputs) == 0 {
		return emptyDir
	}
	return inputDir(j.Inputs[0].Name)
}

func inputDir(name string) string { return path.Join(inputsPath, name) }

// environment lists what the script sees. The job's own values, and last of
// them its secrets, win.
func environment(j pipeline.Job, secrets []pipeline.Value) []string {
	values := []pipeline.Value{
		{Name: "CI", Value: "true"},
		{Name: "STAGEGATE_EXECUTION", Value: j.ID.Execution},
		{Name: "STAGEGATE_PIPELINE", Value: j.Pipeline},
		{Name: "STAGEGATE_STAGE", Value: j.ID.Stage},
		{Name: "STAGEGATE_ACTION", Value: j.ID.Action},
		{Name: "STAGEGATE_REPOSITORY", Value: j.Repository},
		{Name: "STAGEGATE_COMMIT", Value: j.Commit},
		{Name: "STAGEGATE_REF", Value: j.Ref},
		{Name: "STAGEGATE_OUTPUT", Value: outputPath},
	}
	for _, in := range j.Inputs {
		name := strings.ToUpper(strings.ReplaceAll(in.Name, "-", "_"))
		values = append(values, pipeline.Value{Name: "STAGEGATE_INPUT_" + name, Value: inputDir(in.Name)})
	}
	values = append(values, j.Env...)
	values = append(values, secrets...)
	at := map[string]int{}
	var env []string
	for _, v := range values {
		text := v.Name + "=" + v.Value
		if i, seen := at[v.Name]; seen {
			env[i] = text
			continue
		}
		at[v.Name] = len(env)
		env = append(env, text)
	}
	return env
}

// fill streams the script and the inputs into the container.
func (t *task) fill(ctx context.Context, widen bool) error {
	pr, pw := io.Pipe()
	written := make(chan error, 1)
	go func() {
		w := workspace{tar: tar.NewWriter(pw), time: t.job.CommitTime, widen: widen}
		err := t.writeWorkspace(ctx, &w)
		_ = pw.CloseWithError(err)
		written <- err
	}()
	err := t.container.Put(ctx, pr)
	_ = pr.CloseWithError(io.ErrClosedPipe)
	// What the writer has to say is the cause, unless it is only that nobody
	// read on.
	if werr := <-written; werr != nil && !errors.Is(werr, io.ErrClosedPipe) {
		return werr
	}
	return err
}

func (t *task) writeWorkspace(ctx context.Context, w *workspace) error {
	w.folder("stagegate", false)
	w.file(scriptPath[1:], 0o755, t.job.Run+"\n")
	w.file(outputPath[1:], 0o666, "")
	w.folder(inputsPath[1:], false)
	if len(t.job.Inputs) == 0 {
		w.folder(emptyDir[1:], true)
	}
	for _, in := range t.job.Inputs {
		if err := t.writeInput(ctx, w, in); err != nil {
			return fmt.Errorf("unpack artifact %s: %w", in.Name, err)
		}
	}
	return w.close()
}

func (t *task) writeInput(ctx context.Context, w *workspace, in pipeline.Artifact) error {
	if !filepath.IsLocal(in.Name) || strings.ContainsAny(in.Name, `/\`) {
		return fmt.Errorf("name %q is no folder's", in.Name)
	}
	src, err := t.r.Files.Input(ctx, t.lease.Token, in.Name)
	if err != nil {
		return err
	}
	defer src.Close()
	sum := sha256.New()
	w.folder(inputDir(in.Name)[1:], true)
	if err := w.tree(inputDir(in.Name)[1:], io.TeeReader(src, sum)); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != in.Digest {
		return fmt.Errorf("digest is %s, not %s", got, in.Digest)
	}
	return nil
}

// workspace writes the tar a container is filled with. The first error sticks.
type workspace struct {
	tar   *tar.Writer
	time  time.Time
	widen bool // whatever user the image has must be able to write
	err   error
}

func (w *workspace) put(h *tar.Header, content io.Reader) {
	if w.err != nil {
		return
	}
	h.ModTime, h.Format = w.time, tar.FormatPAX
	if w.err = w.tar.WriteHeader(h); w.err == nil && content != nil {
		_, w.err = io.Copy(w.tar, content)
	}
}

func (w *workspace) folder(name string, open bool) {
	mode := int64(0o755)
	if open && w.widen {
		mode = 0o777
	}
	w.put(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}, nil)
}

func (w *workspace) file(name string, mode int64, content string) {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}
	w.put(h, strings.NewReader(content))
}

// tree copies a canonical archive below a folder, and reads it to its very
// end. Whatever is not canonical stops it: the archive was made by us, so it
// was changed since.
func (w *workspace) tree(dir string, src io.Reader) error {
	r := tar.NewReader(src)
	for w.err == nil {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, src)
			return err
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		if err := w.entry(dir, h, r); err != nil {
			return err
		}
	}
	return w.err
}

func (w *workspace) entry(dir string, h *tar.Header, content io.Reader) error {
	name := strings.TrimSuffix(h.Name, "/")
	if !filepath.IsLocal(name) || path.Clean(name) != name {
		return fmt.Errorf("entry %q is not canonical", h.Name)
	}
	out := &tar.Header{Typeflag: h.Typeflag, Name: dir + "/" + h.Name, Mode: h.Mode & 0o777}
	switch h.Typeflag {
	case tar.TypeDir:
		if w.widen {
			out.Mode |= 0o777
		}
		content = nil
	case tar.TypeReg:
		if w.widen {
			out.Mode |= 0o666
		}
		out.Size = h.Size
	case tar.TypeSymlink:
		out.Linkname = h.Linkname
		content = nil
	default:
		return fmt.Errorf("entry %q is not canonical", h.Name)
	}
	w.put(out, content)
	return w.err
}

func (w *workspace) close() error {
	if w.err != nil {
		return w.err
	}
	return w.tar.Close()
}
