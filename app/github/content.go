package github

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // git names blobs by it
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	gh "github.com/google/go-github/v60/github"

	schema "github.com/stagegate/stagegate/pipelines-schema"
)

const (
	// maxFiles bounds what one push can cost of the installation's requests.
	maxFiles = 100
	// maxContent is the largest file whose content the contents API gives:
	// "1 MB or smaller" in content/rest/repos/contents.md in github/docs.
	maxContent = 1 << 20
)

// File is a pipeline file at a commit.
type File struct {
	Path     string
	SHA      string // of the blob
	Data     []byte
	TooLarge bool // Data is nil: GitHub gives no content over 1 MB
}

// PipelineFiles reads the .yaml and .yml files of .github/pipelines at a
// commit, by name. No folder means no files; a commit or a repository that
// does not exist is ErrNotFound, and over 100 files is ErrTooLarge. Symbolic
// links, submodules and folders are left out, and what is beyond the first
// 1,000 entries, which GitHub does not list. A blob once read costs no request
// again.
func (c *Client) PipelineFiles(ctx context.Context, repo Repository, sha string) ([]File, error) {
	entries, err := c.list(ctx, repo, schema.Folder, sha)
	if errors.Is(err, ErrNotFound) {
		return nil, c.exists(ctx, repo, sha)
	} else if err != nil {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		if e.GetType() != "file" || !schema.IsPipelineFile(path.Join(schema.Folder, e.GetName())) {
			continue
		}
		if len(files) == maxFiles {
			return nil, fmt.Errorf("read the pipeline files of %s: %w: more than %d", repo, ErrTooLarge, maxFiles)
		}
		f, ok, err := c.listed(ctx, repo, sha, schema.Folder, e)
		if err != nil {
			return nil, err
		}
		if ok {
			files = append(files, f)
		}
	}
	return files, nil
}

// list reads a folder; a file of that name has no entries.
func (c *Client) list(ctx context.Context, repo Repository, folder, sha string) ([]*gh.RepositoryContent, error) {
	raw, err := c.content(ctx, repo, folder, sha)
	if err != nil || !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		return nil, err
	}
	var entries []*gh.RepositoryContent
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("read folder %s of %s: %w: %w", folder, repo, ErrUnavailable, err)
	}
	return entries, nil
}

// Settings reads what a repository says of its environments at a commit, false if it
// says nothing. A file whose name is a slip, and what is no regular file, come without
// content. A commit or a repository that does not exist is ErrNotFound.
func (c *Client) Settings(ctx context.Context, repo Repository, sha string) (File, bool, error) {
	folder := path.Dir(schema.SettingsFile)
	entries, err := c.list(ctx, repo, folder, sha)
	if errors.Is(err, ErrNotFound) {
		return File{}, false, c.exists(ctx, repo, sha)
	}
	for _, e := range entries {
		name := path.Join(folder, e.GetName())
		is, rightly := schema.IsSettingsFile(name)
		if !is {
			continue
		}
		if !rightly || e.GetType() != "file" {
			return File{Path: name}, true, nil
		}
		f, ok, err := c.listed(ctx, repo, sha, folder, e)
		if err == nil && !ok {
			f = File{Path: name}
		}
		return f, true, err
	}
	return File{}, false, err
}

// listed reads one entry of a folder; ok is false for a submodule, which a folder
// lists as a file.
func (c *Client) listed(ctx context.Context, repo Repository, sha, folder string, e *gh.RepositoryContent) (f File, ok bool, err error) {
	f = File{Path: path.Join(folder, e.GetName()), SHA: e.GetSHA()}
	if e.GetSize() > maxContent {
		f.TooLarge = true
		return f, true, nil
	}
	if data, ok := c.files.get(repo.ID, f.SHA); ok {
		f.Data = data
		return f, true, nil
	}
	data, kind, err := c.file(ctx, repo, f.Path, sha)
	switch {
	case errors.Is(err, ErrTooLarge):
		f.TooLarge = true
		return f, true, nil
	case err != nil:
		return File{}, false, err
	case kind != "file":
		return File{}, false, nil
	case blobSHA(data) == f.SHA: // only what its name proves is remembered
		c.files.put(repo.ID, f.SHA, data)
	}
	f.Data = data
	return f, true, nil
}

// File reads one file at a commit, false if there is none, which GitHub also
// says of a commit that does not exist. A file over 1 MB is ErrTooLarge.
func (c *Client) File(ctx context.Context, repo Repository, name, sha string) ([]byte, bool, error) {
	data, kind, err := c.file(ctx, repo, name, sha)
	if errors.Is(err, ErrNotFound) {
		return nil, false, nil
	}
	return data, err == nil && kind == "file", err
}

// file reads what a path names; data is nil unless kind is file.
func (c *Client) file(ctx context.Context, repo Repository, name, sha string) (data []byte, kind string, err error) {
	raw, err := c.content(ctx, repo, name, sha)
	if err != nil {
		return nil, "", err
	}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		return nil, "dir", nil
	}
	var got gh.RepositoryContent
	if err := json.Unmarshal(raw, &got); err != nil {
		return nil, "", fmt.Errorf("read %s of %s: %w: %w", name, repo, ErrUnavailable, err)
	}
	if got.GetType() != "file" {
		return nil, got.GetType(), nil
	}
	if got.GetEncoding() == "none" {
		return nil, "file", fmt.Errorf("read %s of %s: %w: %d bytes", name, repo, ErrTooLarge, got.GetSize())
	}
	text, err := got.GetContent()
	if err != nil {
		return nil, "", fmt.Errorf("read %s of %s: %w: %w", name, repo, ErrUnavailable, err)
	}
	return []byte(text), "file", nil
}

// content asks for what a path names at a commit: an array for a folder, an
// object for anything else.
func (c *Client) content(ctx context.Context, repo Repository, name, sha string) (json.RawMessage, error) {
	segments := append([]string{"contents"}, strings.Split(name, "/")...)
	r := onRepo(repo, "read "+name+" at "+sha, segments...).needs(sha).with("ref", sha)
	raw, _, err := send[json.RawMessage](ctx, c, r)
	return raw, err
}

// blobSHA is git's name of a file's content.
func blobSHA(data []byte) string {
	h := sha1.New() //nolint:gosec // git names blobs by it
	h.Write([]byte("blob " + strconv.Itoa(len(data)) + "\x00"))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}
