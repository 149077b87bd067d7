package github

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	schema "github.com/stagegate/stagegate/pipelines-schema"
)

// file is how the contents API shows a file.
func file(name, data string) map[string]any {
	return map[string]any{
		"type": "file", "name": name, "path": schema.Folder + "/" + name, "sha": blobSHA([]byte(data)),
		"size": len(data), "encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(data)) + "\n",
	}
}

// entry is how the contents API shows one child of a folder.
func entry(kind, name, data string) map[string]any {
	e := file(name, data)
	delete(e, "encoding")
	delete(e, "content")
	e["type"] = kind
	return e
}

const folderPath = "/repos/acme/shop/contents/.github/pipelines"

func TestPipelineFiles(t *testing.T) {
	s := newScript(t)
	big := entry("file", "big.yaml", "")
	big["size"], big["sha"] = maxContent+1, "b16"
	edge := entry("file", "edge.yaml", "")
	edge["size"], edge["sha"] = maxContent, "ed6e"
	list := []any{
		big, edge, entry("file", "a b.yml", "name: a"), entry("file", "empty.yaml", ""),
		entry("dir", "dir.yaml", ""), entry("symlink", "link.yaml", ""), entry("submodule", "new.yaml", ""),
		entry("file", "module.yaml", "x"), entry("file", "README.md", ""), entry("file", "upper.YAML", ""),
	}
	s.on("GET "+folderPath, 200, encode(t, list))
	s.on("GET "+folderPath+"/{name}", 404, `{}`)
	s.on("GET "+folderPath+"/edge.yaml", 200, `{"type":"file","encoding":"none","content":"","size":1048576,"sha":"ed6e"}`)
	s.on("GET "+folderPath+"/empty.yaml", 200, encode(t, file("empty.yaml", "")))
	s.on("GET "+folderPath+"/module.yaml", 200, `{"type":"submodule","sha":"x","submodule_git_url":"git://x"}`)
	s.mux.HandleFunc("GET "+folderPath+"/a%20b.yml", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("ref") != testSHA {
			t.Errorf("read at %q", r.URL.Query().Get("ref"))
		}
		reply(w, 200, encode(t, file("a b.yml", "name: a")))
	})
	c := s.client(t)
	want := []File{
		{Path: ".github/pipelines/big.yaml", SHA: "b16", TooLarge: true},
		{Path: ".github/pipelines/edge.yaml", SHA: "ed6e", TooLarge: true},
		{Path: ".github/pipelines/a b.yml", SHA: blobSHA([]byte("name: a")), Data: []byte("name: a")},
		{Path: ".github/pipelines/empty.yaml", SHA: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", Data: []byte{}},
	}
	for range 2 {
		got, err := c.PipelineFiles(t.Context(), testRepo, testSHA)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	asked := map[string]int{}
	for _, call := range s.calls() {
		asked[call.url]++
	}
	if n := asked[folderPath+"/a%20b.yml?ref="+testSHA]; n != 1 {
		t.Errorf("an unchanged file was read %d times: %v", n, asked)
	}
}

func TestUnchangedFilesCostNoRequestAtAnotherCommit(t *testing.T) {
	s := newScript(t)
	s.on("GET "+folderPath, 200, encode(t, []any{entry("file", "a.yaml", "a"), entry("file", "b.yaml", "b")}))
	s.on("GET "+folderPath+"/a.yaml", 200, encode(t, file("a.yaml", "a")))
	s.on("GET "+folderPath+"/b.yaml", 200, encode(t, file("b.yaml", "b")))
	c := s.client(t)
	for i, sha := range []string{testSHA, otherSHA} {
		got, err := c.PipelineFiles(t.Context(), testRepo, sha)
		if err != nil || len(got) != 2 || string(got[1].Data) != "b" {
			t.Fatalf("got %v, %v", got, err)
		}
		if n := len(s.calls()); n != 3+i {
			t.Errorf("%d requests after %d reads", n, i+1)
		}
	}
}

func TestNoFolderNoCommitNoRepository(t *testing.T) {
	for _, tt := range []struct {
		name   string
		commit int
		want   error
		asked  int
	}{
		{"no folder", 200, nil, 2},
		{"no commit", 422, ErrNotFound, 2},
		{"no repository", 404, ErrNotFound, 2},
		{"broken just then", 502, ErrUnavailable, 2},
	} {
		s := newScript(t)
		s.on("GET "+folderPath, 404, `{"message":"Not Found"}`)
		s.on("GET /repos/acme/shop/commits/"+testSHA, tt.commit, `{"sha":"x","message":"No"}`)
		got, err := s.client(t).PipelineFiles(t.Context(), testRepo, testSHA)
		if !errors.Is(err, tt.want) || len(got) > 0 {
			t.Errorf("%s: got %v, %v", tt.name, got, err)
		}
		if n := len(s.calls()); n != tt.asked {
			t.Errorf("%s: %d requests", tt.name, n)
		}
	}
}

func TestFolderThatIsAFile(t *testing.T) {
	s := newScript(t)
	s.on("GET "+folderPath, 200, encode(t, file("pipelines", "x")))
	got, err := s.client(t).PipelineFiles(t.Context(), testRepo, testSHA)
	if err != nil || len(got) > 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestTooManyPipelineFiles(t *testing.T) {
	s := newScript(t)
	var list []any
	for i := range maxFiles + 1 {
		list = append(list, entry("file", fmt.Sprintf("%03d.yaml", i), "x"))
	}
	s.on("GET "+folderPath, 200, encode(t, list))
	s.mux.HandleFunc("GET "+folderPath+"/{name}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, encode(t, file(r.PathValue("name"), "x")))
	})
	if _, err := s.client(t).PipelineFiles(t.Context(), testRepo, testSHA); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestFile(t *testing.T) {
	s := newScript(t)
	s.on("GET /repos/acme/shop/contents/a/b.txt", 200, encode(t, file("b.txt", "hello")))
	s.on("GET /repos/acme/shop/contents/a", 200, `[]`)
	s.on("GET /repos/acme/shop/contents/big", 200, `{"type":"file","encoding":"none","size":2000000}`)
	s.on("GET /repos/acme/shop/contents/none", 404, `{}`)
	c := s.client(t)
	for _, tt := range []struct {
		name, data string
		found      bool
		err        error
	}{
		{"a/b.txt", "hello", true, nil},
		{"a", "", false, nil},
		{"none", "", false, nil},
		{"big", "", false, ErrTooLarge},
	} {
		data, found, err := c.File(t.Context(), testRepo, tt.name, testSHA)
		if string(data) != tt.data || found != tt.found || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %q, %v, %v", tt.name, data, found, err)
		}
	}
}

func TestBlobCacheKeepsWhatWasUsedLast(t *testing.T) {
	c := newBlobCache(3 * (100 + blobCost))
	data := []byte(strings.Repeat("x", 100))
	for _, sha := range []string{"a", "b", "c"} {
		c.put(1, sha, data)
	}
	c.get(1, "a")
	c.put(1, "d", data)
	c.put(1, "d", data)
	c.put(0, "unknown repository", data)
	for sha, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if _, ok := c.get(1, sha); ok != want {
			t.Errorf("%s kept: %v", sha, ok)
		}
	}
	if _, ok := c.get(2, "a"); ok {
		t.Error("another repository's blob")
	}
	if c.order.Len() != 3 || c.room != 0 {
		t.Errorf("%d kept, room %d", c.order.Len(), c.room)
	}
}

func TestBlobSHA(t *testing.T) {
	if got := blobSHA([]byte("hello\n")); got != "ce013625030ba8dba906f756967f9e9ca394464a" { // git hash-object
		t.Error(got)
	}
}

func TestContentThatIsNotItsBlobIsNotRemembered(t *testing.T) {
	s := newScript(t)
	s.on("GET "+folderPath, 200, encode(t, []any{entry("file", "a.yaml", "a")}))
	s.on("GET "+folderPath+"/a.yaml", 200, encode(t, file("a.yaml", "b")))
	c := s.client(t)
	for range 2 {
		if got, err := c.PipelineFiles(t.Context(), testRepo, testSHA); err != nil || string(got[0].Data) != "b" {
			t.Errorf("got %v, %v", got, err)
		}
	}
	if n := len(s.calls()); n != 4 {
		t.Errorf("%d requests", n)
	}
}
