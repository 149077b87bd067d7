package githubtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// maxContent is the largest file whose content the contents API gives.
const maxContent = 1 << 20

// entry is one line of git ls-tree.
type entry struct {
	mode, kind, sha string
	size            int // of a blob
	path            string
}

// tree lists a tree, below its root if it is recursive.
func (r *Repository) tree(args ...string) ([]entry, error) {
	out, err := r.git(append([]string{"ls-tree", "-z", "--long", "--full-tree"}, args...)...)
	if err != nil {
		return nil, err
	}
	var list []entry
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		meta, name, ok := strings.Cut(line, "\t")
		if f := strings.Fields(meta); ok && len(f) == 4 {
			list = append(list, entry{mode: f[0], kind: f[1], sha: f[2], size: atoi(f[3]), path: name})
		}
	}
	return list, nil
}

// entryAt finds what a path names in a commit.
func (r *Repository) entryAt(sha, name string) (entry, bool) {
	list, err := r.tree(sha, "--", ":(literal)"+name)
	if err != nil || len(list) != 1 {
		return entry{}, false
	}
	return list[0], true
}

func getContent(c *call) answer {
	ref := c.query("ref")
	if ref == "" {
		ref = "main"
	}
	sha, err := c.repo.resolve(ref)
	switch {
	case err == nil:
	case c.repo.empty():
		return refuse(http.StatusNotFound, "This repository is empty.")
	default:
		return refuse(http.StatusNotFound, "No commit found for the ref "+ref)
	}
	at := contentAt{r: c.repo, commit: sha, ref: ref}
	name := strings.Trim(path.Clean("/"+c.params["path"]), "/")
	if name == "" {
		return at.folder("")
	}
	e, ok := c.repo.entryAt(sha, name)
	switch {
	case !ok:
		return notFound()
	case e.kind == "tree":
		return at.folder(name)
	}
	return at.file(e, c.r.Header.Get("Accept"))
}

// contentAt is a commit whose content is asked for.
type contentAt struct {
	r           *Repository
	commit, ref string
}

func (at contentAt) folder(name string) answer {
	list, err := at.r.tree(at.commit + ":" + name)
	if err != nil {
		return notFound()
	}
	body := []object{}
	for _, e := range list {
		e.path = path.Join(name, e.path)
		o := at.object(e)
		if e.kind == "commit" {
			o["type"] = "file" // a submodule in a folder; GitHub keeps it so for old clients
		}
		body = append(body, o)
	}
	return ok(body)
}

func (at contentAt) file(e entry, accept string) answer {
	if e.kind == "commit" {
		o := at.object(e)
		o["submodule_git_url"] = nullable(at.submoduleURL(e.path))
		return ok(o)
	}
	raw, err := at.r.git("cat-file", "blob", e.sha)
	if err != nil {
		return notFound()
	}
	if e.mode == "120000" {
		target, found := at.r.entryAt(at.commit, path.Join(path.Dir(e.path), raw))
		if strings.HasPrefix(raw, "/") || !found || target.kind != "blob" || target.mode == "120000" {
			o := at.object(e)
			o["target"] = raw
			return ok(o)
		}
		return at.file(target, accept) // a link to a file of the repository is followed
	}
	if mediaType(accept) == "raw" {
		return answer{status: http.StatusOK, body: []byte(raw), header: http.Header{"Content-Type": {"application/vnd.github.raw; charset=utf-8"}}}
	}
	o := at.object(e)
	o["content"], o["encoding"] = wrapped(raw), "base64"
	if len(raw) > maxContent {
		o["content"], o["encoding"] = "", "none"
	}
	return ok(o)
}

// submoduleURL reads .gitmodules.
func (at contentAt) submoduleURL(name string) string {
	out, err := at.r.git("config", "--blob", at.commit+":.gitmodules", "--get-regexp", `^submodule\..*\.path$`)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if value == name {
			address, err := at.r.line("config", "--blob", at.commit+":.gitmodules", "--get", strings.TrimSuffix(key, ".path")+".url")
			if err == nil {
				return address
			}
		}
	}
	return ""
}

var entryTypes = map[string]string{"040000": "dir", "120000": "symlink", "160000": "submodule"}

func (at contentAt) object(e entry) object {
	kind := entryTypes[e.mode]
	if kind == "" {
		kind = "file"
	}
	api := at.r.apiURL() + "/contents/" + escapePath(e.path) + "?ref=" + url.QueryEscape(at.ref)
	view, git := "blob", at.r.apiURL()+"/git/blobs/"+e.sha
	if kind == "dir" || kind == "submodule" {
		view, git = "tree", at.r.apiURL()+"/git/trees/"+e.sha
	}
	html := at.r.htmlURL() + "/" + view + "/" + escapePath(at.ref) + "/" + escapePath(e.path)
	o := object{
		"type": kind, "size": e.size, "name": path.Base(e.path), "path": e.path, "sha": e.sha,
		"url": api, "git_url": git, "html_url": html, "download_url": nil,
		"_links": object{"self": api, "git": git, "html": html},
	}
	if kind == "file" || kind == "symlink" {
		o["download_url"] = at.r.htmlURL() + "/raw/" + escapePath(at.ref) + "/" + escapePath(e.path)
	}
	return o
}

// wrapped is base64 in lines, as GitHub sends it.
func wrapped(raw string) string {
	text := base64.StdEncoding.EncodeToString([]byte(raw))
	var b strings.Builder
	for len(text) > 0 {
		n := min(60, len(text))
		b.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	return b.String()
}

// escapePath escapes the parts of a path, not its slashes.
func escapePath(name string) string {
	return (&url.URL{Path: name}).EscapedPath()
}

func getTree(c *call) answer {
	id := c.params["tree_sha"]
	sha, err := c.repo.line("rev-parse", "--verify", "--quiet", "--end-of-options", id+"^{tree}")
	if err != nil {
		if c.repo.empty() {
			return refuse(http.StatusConflict, "Git Repository is empty.")
		}
		return notFound()
	}
	args := []string{sha}
	if c.r.URL.Query().Has("recursive") {
		args = []string{"-r", "-t", sha}
	}
	list, err := c.repo.tree(args...)
	if err != nil {
		return notFound()
	}
	tree := []object{}
	for _, e := range list {
		o := object{"path": e.path, "mode": e.mode, "type": e.kind, "sha": e.sha}
		switch e.kind {
		case "blob":
			o["size"], o["url"] = e.size, c.repo.apiURL()+"/git/blobs/"+e.sha
		case "tree":
			o["url"] = c.repo.apiURL() + "/git/trees/" + e.sha
		}
		tree = append(tree, o)
	}
	return ok(object{"sha": sha, "url": c.repo.apiURL() + "/git/trees/" + sha, "tree": tree, "truncated": false})
}

func getBlob(c *call) answer {
	sha := c.params["file_sha"]
	if kind, err := c.repo.line("cat-file", "-t", sha); err != nil || kind != "blob" || !fullSHA.MatchString(sha) {
		return notFound()
	}
	raw, err := c.repo.git("cat-file", "blob", sha)
	if err != nil {
		return notFound()
	}
	return ok(object{
		"sha": sha, "node_id": nodeID("Blob", sha), "size": len(raw), "encoding": "base64", "content": wrapped(raw),
		"url": c.repo.apiURL() + "/git/blobs/" + sha,
	})
}

// archivePrefix is where archives are downloaded, with a token in the address.
const archivePrefix = "/codeload/"

// archive is what such a token opens.
type archive struct {
	repo *Repository
	sha  string
}

func getTarball(c *call) answer {
	ref := c.params["ref"]
	sha, err := c.repo.resolve(ref)
	if err != nil {
		return notFound()
	}
	secret := random(16)
	c.g.mu.Lock()
	c.g.archives[secret] = archive{repo: c.repo, sha: sha}
	c.g.mu.Unlock()
	to := c.g.url + archivePrefix + c.repo.FullName() + "/legacy.tar.gz/" + escapePath(ref) + "?token=" + secret
	return answer{status: http.StatusFound, header: http.Header{"Location": {to}}}
}

// downloadArchive is git's own archive, with one top folder.
func (c *call) downloadArchive() answer {
	c.g.mu.Lock()
	a, ok := c.g.archives[c.query("token")]
	c.g.mu.Unlock()
	if !ok || !strings.HasPrefix(c.r.URL.Path, archivePrefix+a.repo.FullName()+"/") {
		return answer{status: http.StatusNotFound, body: []byte("404: Not Found")}
	}
	top := fmt.Sprintf("%s-%s-%s", a.repo.owner.login, a.repo.name, a.sha[:7])
	raw, err := a.repo.git("archive", "--format=tar.gz", "--prefix="+top+"/", a.sha)
	if err != nil {
		return answer{status: http.StatusInternalServerError, body: []byte(err.Error())}
	}
	return answer{status: http.StatusOK, body: []byte(raw), header: http.Header{
		"Content-Type": {"application/x-gzip"}, "Content-Length": {strconv.Itoa(len(raw))},
		"Content-Disposition": {"attachment; filename=" + top + ".tar.gz"},
	}}
}
