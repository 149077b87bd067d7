package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"

	"github.com/stagegate/stagegate/runner"
)

const (
	pullTries     = 4               // before what may pass counts as lasting
	pullPause     = time.Second     // before the second try; doubled each time
	limitPause    = 5 * time.Second // the same, where the registry allows no more for now
	pullStall     = 5 * time.Minute // without a word of progress ends a try
	progressEvery = 5 * time.Second
	maxWords      = 300 // runes of somebody else's error text
)

var errStalled = errors.New("timeout: no progress for " + pullStall.String())

// pull makes the engine have an image.
func (e *Engine) pull(ctx context.Context, f fetch, say func(string)) error {
	with := ""
	if f.login != (runner.Login{}) {
		with = fmt.Sprintf(" with the login %q of %s", f.login.Username, f.host())
	}
	say("pulling " + f.name + with)
	began := time.Now()
	err := e.persist(ctx, f, "pulling ", say, func() error { return e.pullOnce(ctx, f, say) })
	if err == nil {
		say(fmt.Sprintf("pulled %s in %s", f.name, time.Since(began).Round(100*time.Millisecond)))
	}
	return err
}

// persist tries again what may pass, and says so. Why it cannot at last is a
// *runner.Refusal.
func (e *Engine) persist(ctx context.Context, f fetch, doing string, say func(string), once func() error) error {
	for try := 1; ; try++ {
		err := once()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := translate(ctx, err); errors.Is(err, runner.ErrUnavailable) {
			return fmt.Errorf("%s%s: %w", doing, f.name, err)
		}
		say(fmt.Sprintf("%s%s: %s", doing, f.name, oneLine(err.Error())))
		pause, passing := mayPass(err)
		if !passing || try == pullTries {
			return &runner.Refusal{Reason: fmt.Sprintf("image %s: %s", f.name, why(f, err))}
		}
		pause <<= try - 1
		say(fmt.Sprintf("%s%s again in %s (try %d of %d)", doing, f.name, pause, try+1, pullTries))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

func (e *Engine) pullOnce(ctx context.Context, f fetch, say func(string)) error {
	auth, err := f.auth()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stall := time.AfterFunc(pullStall, func() { stop(errStalled) })
	defer stall.Stop()
	stream, err := e.api.ImagePull(ctx, f.name, image.PullOptions{RegistryAuth: auth})
	if err == nil {
		defer stream.Close()
		err = follow(stream, say, func() { stall.Reset(pullStall) })
	}
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return err
}

// message is what the engine tells of a pull.
type message struct {
	Error    string `json:"error"`
	ID       string `json:"id"`
	Status   string `json:"status"`
	Progress struct {
		Current int64 `json:"current"`
		Total   int64 `json:"total"`
	} `json:"progressDetail"`
}

func follow(stream io.Reader, say func(string), alive func()) error {
	p := progress{layers: map[string]layer{}}
	last := time.Now()
	for lines := json.NewDecoder(stream); ; {
		var m message
		err := lines.Decode(&m)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read progress: %w", err)
		case m.Error != "":
			return errors.New(m.Error)
		}
		alive()
		p.take(m)
		if len(p.layers) > 0 && time.Since(last) >= progressEvery {
			last = time.Now()
			say(p.String())
		}
	}
}

// progress sums up the layers of one image.
type progress struct {
	layers map[string]layer
}

type layer struct {
	got, size int64
	done      bool
}

func (p *progress) take(m message) {
	l := p.layers[m.ID]
	switch m.Status {
	case "Pulling fs layer", "Waiting":
	case "Downloading":
		l.got, l.size = m.Progress.Current, max(m.Progress.Total, m.Progress.Current)
	case "Download complete", "Verifying Checksum", "Extracting":
		l.got = l.size
	case "Pull complete", "Already exists":
		l.got, l.done = l.size, true
	default:
		return
	}
	p.layers[m.ID] = l
}

// String says how far it is: layers that are ready, and megabytes of those
// that are known so far.
func (p *progress) String() string {
	var got, size int64
	done := 0
	for _, l := range p.layers {
		got, size = got+l.got, size+l.size
		if l.done {
			done++
		}
	}
	return fmt.Sprintf("pulling: %d of %d layers, %d of %d MB", done, len(p.layers), got/1e6, size/1e6)
}

// mayPass tells whether another try of a pull may succeed, and how long to wait
// before the second one. The engine passes on what went wrong as mere text.
func mayPass(err error) (pause time.Duration, ok bool) {
	text := strings.ToLower(err.Error())
	has := func(parts ...string) bool { return contains(text, parts) }
	switch {
	case has("toomanyrequests", "too many requests"):
		return limitPause, true
	case cerrdefs.IsUnauthorized(err), cerrdefs.IsPermissionDenied(err), cerrdefs.IsNotFound(err),
		has("denied", "unauthorized", "no basic auth", "not found", "manifest unknown", "no matching manifest", "no space left", "x509"):
		return 0, false
	case has("timeout", "deadline exceeded", "connection reset", "connection refused", "eof", "no such host",
		"request canceled", "tls handshake", "unexpected http status: 5", "500 internal", "502 bad", "503 service", "504 gateway"):
		return pullPause, true
	default:
		return 0, false
	}
}

func contains(text string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// oneLine makes somebody else's text fit to stand in a log.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if runes := []rune(text); len(runes) > maxWords {
		text = string(runes[:maxWords]) + "…"
	}
	return text
}
