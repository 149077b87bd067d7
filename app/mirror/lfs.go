package mirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxPointer = 1024 // bytes, by the specification of Git LFS
	batch      = 100  // objects that are asked for at once
	maxAnswer  = 4 << 20
)

// pointer is a file of Git LFS that stands for its content.
type pointer struct {
	oid   string
	size  int64
	paths []string // below the tree
}

// contents puts the content of Git LFS files in the place of their pointers, or
// notes that there are some. It asks the host only: .lfsconfig, which may name
// another, is not read.
func (w *work) contents(ctx context.Context, r Request, at placed, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	pointers, err := pointersIn(root)
	if err != nil || len(pointers) == 0 {
		return err
	}
	if !r.LFS {
		w.left.LFS = true
		return nil
	}
	for _, p := range pointers {
		if w.sum.bytes += p.size * int64(len(p.paths)); w.sum.bytes > w.MaxBytes || p.size < 0 {
			return w.sum.tooLarge(w.MaxBytes)
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, w.MaxTime, fmt.Errorf("%w: they took longer than %s", ErrTooLarge, w.MaxTime))
	defer cancel()
	for some := range slices.Chunk(slices.SortedFunc(maps.Values(pointers), byOID), batch) {
		if err := w.download(ctx, r, at.name, some, root); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return err
		}
	}
	return w.assumeUnchanged(ctx, pointers, dir)
}

func byOID(a, b *pointer) int { return strings.Compare(a.oid, b.oid) }

// assumeUnchanged keeps git from taking the content for a change where git-lfs
// does not stand between.
func (w *work) assumeUnchanged(ctx context.Context, pointers map[string]*pointer, dir string) error {
	var names strings.Builder
	for _, p := range pointers {
		for _, path := range p.paths {
			names.WriteString(filepath.ToSlash(path) + "\x00")
		}
	}
	mark := run{
		dir: filepath.Join(dir, ".git"), tree: dir, input: names.String(),
		args: []string{"update-index", "--assume-unchanged", "-z", "--stdin"},
	}
	_, err := w.git.run(ctx, mark)
	return err
}

// pointersIn looks through a tree, by the names of the objects.
func pointersIn(root *os.Root) (map[string]*pointer, error) {
	found := map[string]*pointer{}
	err := fs.WalkDir(root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == ".git":
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		if info, err := e.Info(); err != nil || info.Size() == 0 || info.Size() > maxPointer {
			return err
		}
		data, err := root.ReadFile(path)
		if err != nil {
			return err
		}
		oid, size, ok := parsePointer(string(data))
		if !ok {
			return nil
		}
		if found[oid] == nil {
			found[oid] = &pointer{oid: oid, size: size}
		}
		found[oid].paths = append(found[oid].paths, path)
		return nil
	})
	return found, err
}

func parsePointer(text string) (oid string, size int64, ok bool) {
	text, ok = strings.CutPrefix(text, "version https://git-lfs.github.com/spec/")
	if !ok {
		return "", 0, false
	}
	size = -1
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch key {
		case "oid":
			oid, _ = strings.CutPrefix(value, "sha256:")
		case "size":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				size = n
			}
		}
	}
	return oid, size, len(oid) == 64 && strings.Trim(oid, "0123456789abcdef") == "" && size >= 0
}

// object is one of the host's answers: where the content is, or why not.
type object struct {
	OID     string `json:"oid"`
	Size    int64  `json:"size"`
	Actions struct {
		Download struct {
			Href   string            `json:"href"`
			Header map[string]string `json:"header"`
		} `json:"download"`
	} `json:"actions"`
	Error struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// download fetches some objects and writes them where their pointers stand.
func (w *work) download(ctx context.Context, r Request, name string, some []*pointer, root *os.Root) error {
	places, err := w.askForObjects(ctx, r, name, some)
	if err != nil {
		return err
	}
	for _, p := range some {
		i := slices.IndexFunc(places, func(o object) bool { return o.OID == p.oid })
		switch {
		case i < 0:
			return fmt.Errorf("%w: %s is not spoken of", ErrMissing, p.paths[0])
		case places[i].Error.Code != 0 || places[i].Actions.Download.Href == "":
			return fmt.Errorf("%w: %s: %s", ErrMissing, p.paths[0], printable(places[i].Error.Message))
		}
		if err := w.fill(ctx, places[i], p, root); err != nil {
			return fmt.Errorf("%s: %w", p.paths[0], err)
		}
	}
	return nil
}

// askForObjects is Git LFS' batch request, the only one that has our token.
func (w *work) askForObjects(ctx context.Context, r Request, name string, some []*pointer) ([]object, error) {
	token, err := r.Host.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("get a token: %w", err)
	}
	type wanted struct {
		OID  string `json:"oid"`
		Size int64  `json:"size"`
	}
	ask := struct {
		Operation string   `json:"operation"`
		Transfers []string `json:"transfers"`
		Objects   []wanted `json:"objects"`
	}{Operation: "download", Transfers: []string{"basic"}}
	for _, p := range some {
		ask.Objects = append(ask.Objects, wanted{p.oid, p.size})
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL+"/"+name+".git/info/lfs/objects/batch", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth("x-access-token", token)
	req.Header.Set("Accept", "application/vnd.git-lfs+json")
	req.Header.Set("Content-Type", "application/vnd.git-lfs+json")
	resp, err := w.lfs.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the host answers %s", resp.Status)
	}
	var answer struct {
		Objects []object `json:"objects"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("read the host's answer: %w", err)
	}
	return answer.Objects, nil
}

// fill fetches one object from where the host says and checks that it is the one.
func (w *work) fill(ctx context.Context, o object, p *pointer, root *os.Root) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.Actions.Download.Href, nil)
	if err != nil || !w.mayDownload(req.URL) {
		return errors.New("the host sends us to an address that is not https")
	}
	for k, v := range o.Actions.Download.Header {
		req.Header.Set(k, v)
	}
	resp, err := w.lfs.Do(req)
	if err != nil {
		return fmt.Errorf("download it: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("download it: %s", resp.Status)
	}
	first := p.paths[0]
	if err := replace(root, first, p, resp.Body); err != nil {
		return err
	}
	for _, path := range p.paths[1:] {
		f, err := root.Open(first)
		if err != nil {
			return err
		}
		if err := errors.Join(replace(root, path, p, f), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// mayDownload allows https, and a stand-in's http on this machine.
func (w *work) mayDownload(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == w.protocol && loopback(u.Hostname())
}

// replace writes content over a pointer, which keeps its mode.
func replace(root *os.Root, path string, p *pointer, content io.Reader) error {
	f, err := root.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, hash), io.LimitReader(content, p.size+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("download it: %w", err)
	}
	if n != p.size || hex.EncodeToString(hash.Sum(nil)) != p.oid {
		return errors.New("what came is not what the pointer names")
	}
	return nil
}

// newLFSClient is what fetches contents: it follows no redirection.
func newLFSClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = time.Minute
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
