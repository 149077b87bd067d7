package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// CallsPath is where the addresses of pipelines stand:
// /hooks/ID/OWNER/NAME/PIPELINE, of the repository's id and name.
const CallsPath = "/hooks/"

// MaxCall is how large the body of a call may be.
const MaxCall = 1 << 20

// Call is a signed request to the address of a pipeline.
type Call struct {
	RepositoryID int64
	Repository   string // owner/name, not covered by the signature
	Pipeline     string
	Digest       string // SHA-256 of the body, hex
	Body         []byte
}

// Called is what became of a call.
type Called struct {
	Started   bool   `json:"started"`
	Execution string `json:"execution,omitempty"` // the one that was started, now or by the same call before
	Number    int    `json:"number,omitempty"`
	Reason    string `json:"reason,omitempty"` // why it was not
}

// ErrBusy is returned where a call may be sent again later.
var ErrBusy = errors.New("try again later")

// Calls answers POST below CallsPath. Its zero value refuses everything.
type Calls struct {
	// Secret signs the calls of a pipeline; empty: none is signed.
	Secret func(repository int64, pipeline string) string
	// Start starts the pipeline, or tells why not.
	Start func(ctx context.Context, c Call) (Called, error)
	Log   *slog.Logger

	mu      sync.Mutex
	budgets map[string]*rate.Limiter // of the pipelines that were called with a right signature
}

// A pipeline may be called ten times at once, and every ten seconds for long: each
// call costs a few of the requests that GitHub allows the installation in an hour.
const (
	callInterval = 10 * time.Second
	callBurst    = 10
)

var (
	possibleOwner    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	possiblePipeline = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,49}$`)
	possibleID       = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
)

// ServeHTTP answers 200 with a Called in JSON to a call whose signature is right;
// 401, and the same, to every other, whether there is such a pipeline or not; 413
// for too large a body, 429 and 503 where it is to be sent again later.
func (h *Calls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, answer := h.answer(w, r)
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "30")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // nobody waits for it
}

func (h *Calls) answer(w http.ResponseWriter, r *http.Request) (int, Called) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, Called{Reason: "calls are posted"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxCall))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, Called{Reason: "a call has at most 1 MB"}
	} else if err != nil {
		return http.StatusBadRequest, Called{Reason: "the body could not be read"}
	}
	c, possible := callTo(r.URL.Path)
	secret := ""
	if possible && h.Secret != nil {
		secret = h.Secret(c.RepositoryID, c.Pipeline)
	}
	if !signed([]byte(secret), body, r.Header.Get("X-Hub-Signature-256")) {
		h.Log.Warn("call refused", "from", r.RemoteAddr)
		return http.StatusUnauthorized, Called{Reason: "the signature is missing or wrong: send X-Hub-Signature-256: sha256=… of the body, under the pipeline's secret"}
	}
	if !h.admit(c) {
		return http.StatusTooManyRequests, Called{Reason: "this pipeline is called too often"}
	}
	sum := sha256.Sum256(body)
	c.Body, c.Digest = body, hex.EncodeToString(sum[:])
	return h.start(r.Context(), c)
}

func (h *Calls) start(ctx context.Context, c Call) (int, Called) {
	called, err := h.Start(ctx, c)
	switch {
	case errors.Is(err, ErrBusy):
		return http.StatusServiceUnavailable, Called{Reason: "GitHub could not be asked what this takes"}
	case err != nil:
		h.Log.Error("call not carried out", "repository", c.RepositoryID, "pipeline", c.Pipeline, "error", err)
		return http.StatusInternalServerError, Called{Reason: "something broke; the log of the server says what"}
	}
	return http.StatusOK, called
}

// callTo reads the address of a pipeline.
func callTo(path string) (Call, bool) {
	parts := strings.Split(strings.TrimPrefix(path, CallsPath), "/")
	if len(parts) != 4 || !possibleID.MatchString(parts[0]) || !possibleOwner.MatchString(parts[1]) ||
		!possibleOwner.MatchString(parts[2]) || !possiblePipeline.MatchString(parts[3]) {
		return Call{}, false
	}
	id, err := strconv.ParseInt(parts[0], 10, 64)
	return Call{RepositoryID: id, Repository: parts[1] + "/" + parts[2], Pipeline: parts[3]}, err == nil
}

// admit tells whether the pipeline may be called now.
func (h *Calls) admit(c Call) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.budgets == nil {
		h.budgets = map[string]*rate.Limiter{}
	}
	key := strconv.FormatInt(c.RepositoryID, 10) + "/" + strings.ToLower(c.Pipeline)
	if h.budgets[key] == nil {
		h.budgets[key] = rate.NewLimiter(rate.Every(callInterval), callBurst)
	}
	return h.budgets[key].AllowN(time.Now(), 1)
}
