// Package blob keeps artifacts and logs, compressed, in a bucket: a folder by
// default. It is the only importer of gocloud.dev and knows nothing of what the
// bytes mean.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/klauspost/compress/zstd"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/memblob"  // mem://, for tests
	"gocloud.dev/gcerrors"
)

// ErrNotFound is returned for a key that holds nothing.
var ErrNotFound = errors.New("not found")

// Bucket holds blobs by key. Every blob is stored compressed with zstd; callers
// write and read plain bytes.
type Bucket struct {
	bucket *blob.Bucket
}

// Open opens the bucket of a URL such as file:///var/lib/stagegate/blobs. A
// folder that is missing is made.
func Open(ctx context.Context, location string) (*Bucket, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("parse blob URL: %w", err)
	}
	if u.Scheme == "file" {
		// The temporary file stands beside the blob, so that the rename that
		// publishes it stays on one file system.
		q := u.Query()
		q.Set("create_dir", "true")
		q.Set("no_tmp_dir", "true")
		q.Set("metadata", "skip")
		u.RawQuery = q.Encode()
	}
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	return &Bucket{bucket: b}, nil
}

// Close releases the bucket.
func (b *Bucket) Close() error { return b.bucket.Close() }

// Has tells whether the key holds a blob.
func (b *Bucket) Has(ctx context.Context, key string) (bool, error) {
	ok, err := b.bucket.Exists(ctx, key)
	if err != nil {
		return false, fmt.Errorf("look for blob %s: %w", key, err)
	}
	return ok, nil
}

// Put stores everything the reader gives, or nothing when it fails. What the
// key held is replaced.
func (b *Bucket) Put(ctx context.Context, key string, from io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before Close, this throws the blob away
	w, err := b.bucket.NewWriter(ctx, key, nil)
	if err != nil {
		return fmt.Errorf("write blob %s: %w", key, err)
	}
	if err := compress(w, from); err != nil {
		cancel()
		return errors.Join(fmt.Errorf("write blob %s: %w", key, err), ignoreCancel(w.Close()))
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write blob %s: %w", key, err)
	}
	return nil
}

func compress(w io.Writer, from io.Reader) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	if _, err := io.Copy(z, from); err != nil {
		return errors.Join(err, z.Close())
	}
	return z.Close()
}

func ignoreCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Get opens the blob of the key. The caller closes it.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	r, err := b.bucket.NewReader(ctx, key, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("read blob %s: %w", key, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", key, err)
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read blob %s: %w", key, err), r.Close())
	}
	return &reader{z, r}, nil
}

type reader struct {
	*zstd.Decoder
	under io.Closer
}

func (r *reader) Close() error {
	r.Decoder.Close()
	return r.under.Close()
}
