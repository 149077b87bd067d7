package githubtest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// Options are the settings of a GitHub. The zero value works.
type Options struct {
	// Dir is where the bare repositories live; the default is a temporary
	// folder, which Close removes.
	Dir string

	// Listen is the address to listen on; the default is 127.0.0.1:0.
	Listen string

	// WebhookURL is where deliveries go. While it is empty nothing is delivered,
	// and nothing is kept for later.
	WebhookURL string

	// WebhookSecret signs deliveries; the default is random.
	WebhookSecret string

	// ClientSecret lets the App exchange the codes of people who sign in; the
	// default is random.
	ClientSecret string

	// RateLimit is how many requests an installation may make in an hour; the
	// default is 5000, as GitHub's.
	RateLimit int

	// Unchecked lets answers go out without being held to the description,
	// which costs about as much as making them. For benchmarks.
	Unchecked bool

	// Logf hears of requests, deliveries and violations; the default is nobody.
	// It may be called until Close returns.
	Logf func(format string, args ...any)

	// Now is GitHub's clock; the default is the machine's. It must be safe for
	// concurrent use.
	Now func() time.Time
}

// GitHub is one GitHub with one App, whose slug is stagegate. It is safe for
// concurrent use.
type GitHub struct {
	options     Options
	description *description
	temporary   bool   // Close removes options.Dir
	git         string // the program
	url         string
	server      *http.Server
	key         *rsa.PrivateKey
	appID       int64
	bot         *account // who the App's comments are by
	born        time.Time

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	joined sync.WaitGroup
	inside sync.RWMutex // held by requests; Close waits for them
	closed sync.Once
	result error // of Close

	mu            sync.Mutex // guards all below, and the world behind it
	changed       chan struct{}
	watchers      map[*watcher]bool
	lastID        int64
	accounts      map[string]*account    // by login in lower case
	repositories  map[string]*Repository // by full name in lower case
	teams         map[string]*team       // by org/slug in lower case
	installations []*installation
	tokens        map[string]*token
	archives      map[string]archive // by the token in the address
	contents      map[string]string  // of Git LFS, by the secret in the address
	spent         map[string]*budget // requests of this hour, by identity
	requests      []*Request
	violations    []Violation
	faults        []*fault
	hook          hook
	signIn        signIns
}

// appKey is the App's key, one for all GitHubs of a process: to draw one takes
// longer than everything else at the start.
var appKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// Start starts a GitHub. It needs git on the path.
func Start(o Options) (*GitHub, error) {
	d, err := described()
	if err != nil {
		return nil, err
	}
	g := &GitHub{
		options: o, description: d, changed: make(chan struct{}), watchers: map[*watcher]bool{}, lastID: 1000,
		accounts: map[string]*account{}, repositories: map[string]*Repository{}, teams: map[string]*team{},
		tokens: map[string]*token{}, archives: map[string]archive{}, contents: map[string]string{}, spent: map[string]*budget{}, signIn: newSignIns(),
	}
	if g.git, err = exec.LookPath("git"); err != nil {
		return nil, fmt.Errorf("find git: %w", err)
	}
	if err := g.fillOptions(); err != nil {
		return nil, err
	}
	if g.key, err = appKey(); err != nil {
		return nil, fmt.Errorf("draw the App's key: %w", err)
	}
	g.born = g.now()
	g.appID = g.id()
	g.bot = g.account("stagegate[bot]", "Bot")
	g.account("stagegate", "Organization") // who owns the App
	g.hook.url = g.options.WebhookURL
	//nolint:forbidigo // it stands for another machine, whose life is no caller's; Close cancels it
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g, g.serve()
}

func (g *GitHub) fillOptions() error {
	o := &g.options
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RateLimit == 0 {
		o.RateLimit = 5000
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.WebhookSecret == "" {
		o.WebhookSecret = random(20)
	}
	if o.ClientSecret == "" {
		o.ClientSecret = random(20)
	}
	if o.Dir != "" {
		dir, err := filepath.Abs(o.Dir)
		if err != nil {
			return fmt.Errorf("find the folder for repositories: %w", err)
		}
		o.Dir = dir
		return os.MkdirAll(o.Dir, 0o750)
	}
	dir, err := os.MkdirTemp("", "githubtest-")
	if err != nil {
		return fmt.Errorf("make a folder for repositories: %w", err)
	}
	o.Dir, g.temporary = dir, true
	return nil
}

func (g *GitHub) serve() error {
	listener, err := (&net.ListenConfig{}).Listen(g.ctx, "tcp", g.options.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", g.options.Listen, err)
	}
	g.url = "http://" + listener.Addr().String()
	g.server = &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}
	g.joined.Go(func() {
		if err := g.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			g.options.Logf("githubtest: serve: %v", err)
		}
	})
	g.joined.Go(g.deliver)
	return nil
}

// Close stops the GitHub: requests and deliveries under way are cut, and the
// channels of Watch are closed. When it returns, nothing runs any more. Further
// calls do nothing.
func (g *GitHub) Close() error {
	g.closed.Do(func() {
		g.cancel()
		g.result = g.server.Close()
		g.joined.Wait()
		g.inside.Lock()
		defer g.inside.Unlock()
		if g.temporary {
			g.result = errors.Join(g.result, os.RemoveAll(g.options.Dir))
		}
	})
	return g.result
}

// URL is the base of the API, to be used verbatim.
func (g *GitHub) URL() string { return g.url }

// AppID is the id of the App.
func (g *GitHub) AppID() int64 { return g.appID }

// PrivateKeyPEM is the App's key, in the form in which GitHub gives it.
func (g *GitHub) PrivateKeyPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(g.key)})
}

// WebhookSecret is the secret that signs deliveries.
func (g *GitHub) WebhookSecret() string { return g.options.WebhookSecret }

// now is GitHub's time; the API knows whole seconds only.
func (g *GitHub) now() time.Time { return g.options.Now().UTC() }

// id draws the next id. Ids of all kinds come from one row, so that one taken
// for another is found out. g.mu is held.
func (g *GitHub) id() int64 {
	g.lastID++
	return g.lastID
}

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
