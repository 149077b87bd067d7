package runner

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// volume is a workspace that only the engine sees: files go in and out as
// archives, and it goes with its container.
type volume struct {
	container Container
	tempDir   string
}

func (v volume) fill(ctx context.Context, c contents) error {
	pr, pw := io.Pipe()
	written := make(chan error, 1)
	go func() {
		w := archive{tar: tar.NewWriter(pw), time: c.time, widen: c.widen}
		err := w.contents(ctx, c)
		_ = pw.CloseWithError(err)
		written <- err
	}()
	err := v.container.Put(ctx, pr)
	_ = pr.CloseWithError(io.ErrClosedPipe)
	// What the writer has to say is the cause, unless it is only that nobody
	// read on.
	if werr := <-written; werr != nil && !errors.Is(werr, io.ErrClosedPipe) {
		return werr
	}
	return err
}

func (v volume) read(ctx context.Context, name string, limit int64) ([]byte, error) {
	mode, _, err := v.container.Stat(ctx, name)
	if err != nil {
		return nil, err
	}
	if !mode.IsRegular() {
		return nil, artifact.ErrNotRegular
	}
	src, err := v.container.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	r := tar.NewReader(src)
	if _, err := r.Next(); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, limit))
}

func (v volume) pack(ctx context.Context, dst io.Writer, name string, o artifact.Options) (artifact.Report, error) {
	mode, _, err := v.container.Stat(ctx, name)
	if err != nil {
		return artifact.Report{}, err
	}
	if !mode.IsRegular() && !mode.IsDir() {
		return artifact.Report{}, artifact.ErrNotRegular
	}
	src, err := v.container.Get(ctx, name)
	if err != nil {
		return artifact.Report{}, err
	}
	defer src.Close()
	o.Strip, o.TempDir = 1, v.tempDir
	return artifact.Canonical(dst, src, o)
}

func (volume) remove() {}

// archive writes the tar a container is filled with. The first error sticks.
type archive struct {
	tar   *tar.Writer
	time  time.Time
	widen bool
	err   error
}

func (w *archive) contents(ctx context.Context, c contents) error {
	w.file(within(scriptPath), 0o755, c.script)
	w.file(within(outputPath), 0o666, "")
	w.file(within(summaryPath), 0o666, "")
	w.folder(within(inputsPath), 0o755)
	if len(c.inputs) == 0 {
		w.folder(within(emptyDir), c.openMode())
	}
	for _, in := range c.inputs {
		if err := w.input(ctx, c, in); err != nil {
			return fmt.Errorf("unpack artifact %s: %w", in.Name, err)
		}
	}
	if w.err != nil {
		return w.err
	}
	return w.tar.Close()
}

// input copies a canonical archive below the input's folder.
func (w *archive) input(ctx context.Context, c contents, in pipeline.Artifact) error {
	if err := checkInputName(in.Name); err != nil {
		return err
	}
	src, err := c.open(ctx, in.Name)
	if err != nil {
		return err
	}
	defer src.Close()
	dir := within(inputDir(in.Name))
	w.folder(dir, c.openMode())
	sum := sha256.New()
	err = artifact.Entries(io.TeeReader(src, sum), func(h *tar.Header, content io.Reader) error {
		return w.entry(dir, h, content)
	})
	if err != nil {
		return err
	}
	return checkDigest(hex.EncodeToString(sum.Sum(nil)), in)
}

func (w *archive) entry(dir string, h *tar.Header, content io.Reader) error {
	out := &tar.Header{Typeflag: h.Typeflag, Name: dir + "/" + h.Name, Linkname: h.Linkname, Mode: h.Mode, Size: h.Size}
	switch h.Typeflag {
	case tar.TypeDir:
		out.Name += "/"
		if w.widen {
			out.Mode |= 0o777
		}
		content = nil
	case tar.TypeReg:
		if w.widen {
			out.Mode |= 0o666
		}
	default:
		content = nil
	}
	w.put(out, content)
	return w.err
}

// put writes one entry, by its name below Mount.
func (w *archive) put(h *tar.Header, content io.Reader) {
	if w.err != nil {
		return
	}
	h.Name, h.ModTime, h.Format = Mount[1:]+"/"+h.Name, w.time, tar.FormatPAX
	if w.err = w.tar.WriteHeader(h); w.err == nil && content != nil {
		_, w.err = io.Copy(w.tar, content)
	}
}

func (w *archive) folder(name string, mode fs.FileMode) {
	w.put(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: int64(mode)}, nil)
}

func (w *archive) file(name string, mode int64, content string) {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}
	w.put(h, strings.NewReader(content))
}
