package runner

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"strings"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// hashes computes the variables that hold digests of files. It reads the stored
// artifact, not what was unpacked of it, so that it needs no place where the files are.
func (t *task) hashes(ctx context.Context) ([]pipeline.Value, error) {
	sums := map[string]hash.Hash{} // by pattern; nil: it has matched nothing yet
	for _, h := range t.job.Hashed {
		for _, p := range h.Parts {
			if p.Hash != "" {
				sums[p.Hash] = nil
			}
		}
	}
	if len(sums) == 0 || len(t.job.Inputs) == 0 {
		return valuesOf(t.job.Hashed, sums), nil
	}
	in := t.job.Inputs[0]
	src, err := t.r.Files.Input(ctx, t.lease.Token, in.Name)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	whole := sha256.New()
	err = artifact.Entries(io.TeeReader(cancellable{ctx, src}, whole), func(h *tar.Header, content io.Reader) error {
		return hashEntry(sums, h, content)
	})
	if err == nil {
		err = checkDigest(hex.EncodeToString(whole.Sum(nil)), in)
	}
	return valuesOf(t.job.Hashed, sums), err
}

// hashEntry adds a file to the digests of the patterns that match it: its path, a zero
// byte and the SHA-256 of its content. For a link that is the text of where it leads.
func hashEntry(sums map[string]hash.Hash, h *tar.Header, content io.Reader) error {
	if h.Typeflag == tar.TypeDir {
		return nil
	}
	if h.Typeflag == tar.TypeSymlink {
		content = strings.NewReader(h.Linkname)
	}
	var file []byte
	for pattern, sum := range sums {
		if !pipeline.MatchesPath(pattern, h.Name) {
			continue
		}
		if file == nil {
			own := sha256.New()
			if _, err := io.Copy(own, content); err != nil {
				return err
			}
			file = own.Sum(nil)
		}
		if sum == nil {
			sum = sha256.New()
			sums[pattern] = sum
		}
		sum.Write(append([]byte(h.Name+"\x00"), file...))
	}
	return nil
}

// valuesOf puts digests in their places: nothing where no file matched.
func valuesOf(hashed []pipeline.Hashed, sums map[string]hash.Hash) []pipeline.Value {
	var values []pipeline.Value
	for _, h := range hashed {
		var text strings.Builder
		for _, p := range h.Parts {
			text.WriteString(p.Text)
			if sum := sums[p.Hash]; sum != nil {
				text.WriteString(hex.EncodeToString(sum.Sum(nil)))
			}
		}
		values = append(values, pipeline.Value{Name: h.Name, Value: text.String()})
	}
	return values
}
