package githubtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
)

const (
	lfsService = "/info/lfs/objects/batch"
	lfsPrefix  = "/-/lfs/"
	lfsType    = "application/vnd.git-lfs+json"
)

// PutLFS keeps the content of a Git LFS file and returns the pointer that stands
// for it in a commit.
func (r *Repository) PutLFS(content string) (pointer string) {
	sum := sha256.Sum256([]byte(content))
	oid := hex.EncodeToString(sum[:])
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	if r.lfs == nil {
		r.lfs = map[string]string{}
	}
	r.lfs[oid] = content
	return Pointer(oid, int64(len(content)))
}

// Pointer is how a commit holds a Git LFS file.
func Pointer(oid string, size int64) string {
	b, _ := json.Marshal(size) // a number is never refused
	return "version https://git-lfs.github.com/spec/v1\noid sha256:" + oid + "\nsize " + string(b) + "\n"
}

// serveLFS says where the objects of a batch are: at an address with a secret of
// its own, as GitHub's are. Who asks was admitted already.
func (g *GitHub) serveLFS(w http.ResponseWriter, r *http.Request, repo *Repository) {
	var asked struct {
		Operation string `json:"operation"`
		Objects   []struct {
			OID  string `json:"oid"`
			Size int64  `json:"size"`
		} `json:"objects"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&asked); err != nil || asked.Operation != "download" ||
		!strings.HasPrefix(r.Header.Get("Accept"), lfsType) || !strings.HasPrefix(r.Header.Get("Content-Type"), lfsType) {
		http.Error(w, `{"message":"the request is no batch of downloads"}`, http.StatusUnprocessableEntity)
		return
	}
	answers := []object{}
	g.mu.Lock()
	for _, o := range asked.Objects {
		content, ok := repo.lfs[o.OID]
		if !ok || int64(len(content)) != o.Size {
			answers = append(answers, object{"oid": o.OID, "size": o.Size, "error": object{"code": 404, "message": "Object does not exist on the server"}})
			continue
		}
		secret := random(24)
		g.contents[secret] = content
		answers = append(answers, object{
			"oid": o.OID, "size": o.Size,
			"actions": object{"download": object{"href": g.url + lfsPrefix + secret, "expires_in": 3600}},
		})
	}
	g.mu.Unlock()
	w.Header().Set("Content-Type", lfsType)
	if err := json.NewEncoder(w).Encode(object{"transfer": "basic", "objects": answers}); err != nil {
		g.options.Logf("githubtest: answer a batch: %v", err)
	}
}

// downloadLFS gives the content behind an address. The store that GitHub sends to
// takes no second way of signing in.
func (g *GitHub) downloadLFS(w http.ResponseWriter, r *http.Request, secret string) {
	g.mu.Lock()
	content, ok := g.contents[secret]
	g.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "":
		http.Error(w, "Only one auth mechanism allowed", http.StatusBadRequest)
	case !ok:
		http.Error(w, "Not found", http.StatusNotFound)
	default:
		_, _ = w.Write([]byte(content)) // a caller that went away is its own affair
	}
}
