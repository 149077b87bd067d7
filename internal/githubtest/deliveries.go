package githubtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// deliveryTime is how long a receiver may take to answer.
const deliveryTime = 10 * time.Second

// Delivery is one attempt to deliver an event.
type Delivery struct {
	ID             int64
	GUID           string // of the event; its redeliveries have the same
	Event          string
	Action         string // empty for push
	Redelivery     bool
	InstallationID int64
	RepositoryID   int64
	Header         http.Header
	Payload        []byte

	// These are known once it was attempted.
	At         time.Time
	Duration   time.Duration
	StatusCode int    // the receiver's, or 502 or 504 if there was none
	Status     string // in words: OK
	Answer     []byte // the receiver's body, at most its beginning
}

func (d *Delivery) ok() bool { return d.StatusCode/100 == 2 }

// hook is where deliveries go, and what became of them. g.mu guards it.
type hook struct {
	url      string
	held     bool
	dropping bool
	queue    []*Delivery
	sending  bool
	attempts []*Delivery // oldest first
}

func (h *hook) attempt(id int64) *Delivery {
	for _, d := range h.attempts {
		if d.ID == id {
			return d
		}
	}
	return nil
}

// SetWebhookURL sets where deliveries go from now on.
func (g *GitHub) SetWebhookURL(url string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hook.url = url
}

// DropDeliveries loses deliveries on their way, as when the App is down: GitHub
// keeps them as failed.
func (g *GitHub) DropDeliveries(drop bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hook.dropping = drop
}

// HoldDeliveries keeps deliveries back until it is called with false.
func (g *GitHub) HoldDeliveries(hold bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hook.held = hold
	g.notify()
}

// Deliveries are all attempts so far, the oldest first.
func (g *GitHub) Deliveries() []Delivery {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]Delivery, 0, len(g.hook.attempts))
	for _, d := range g.hook.attempts {
		list = append(list, *d)
	}
	return list
}

// Redeliver sends the event of a GUID again, as a person may in the App's settings.
func (g *GitHub) Redeliver(guid string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range g.hook.attempts {
		if d.GUID == guid {
			g.enqueue(d.again())
			return nil
		}
	}
	return fmt.Errorf("redeliver %s: no such delivery", guid)
}

// WaitDelivered waits until nothing is left to deliver.
func (g *GitHub) WaitDelivered(ctx context.Context) error {
	err := g.await(ctx, func() bool { return len(g.hook.queue) == 0 && !g.hook.sending })
	if err != nil {
		return fmt.Errorf("wait for deliveries: %w", err)
	}
	return nil
}

// Ping sends the event that GitHub sends when a webhook is set up.
func (g *GitHub) Ping() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.enqueue(g.event("ping", "", 0, object{
		"zen": "Keep it logically awesome.", "hook_id": g.appID,
		"hook": object{
			"id": g.appID, "type": "App", "name": "web", "active": true, "app_id": g.appID, "events": events,
			"config":     object{"content_type": "json", "insecure_ssl": "0", "url": g.hook.url},
			"created_at": stamp(g.born), "updated_at": stamp(g.born), "deliveries_url": g.url + "/app/hook/deliveries",
		},
	}))
}

// send delivers an event of a repository, if the App is installed there. g.mu is held.
func (g *GitHub) send(r *Repository, event, action string, payload object) {
	in := g.installationOf(r.owner)
	if in == nil || !in.suspended.IsZero() {
		return
	}
	if action != "" {
		payload["action"] = action
	}
	if payload["repository"] == nil {
		payload["repository"] = r.webhookObject()
	}
	if r.owner.kind == "Organization" {
		payload["organization"] = g.organizationObject(r.owner)
	}
	payload["installation"] = object{"id": in.id, "node_id": nodeID("IntegrationInstallation", in.id)}
	d := g.event(event, action, in.id, payload)
	d.RepositoryID = r.id
	g.enqueue(d)
}

// sendInstallation tells the App of its own installation. g.mu is held.
func (g *GitHub) sendInstallation(in *installation, action string, who *account) {
	repositories := []object{}
	for _, r := range g.repositoriesOf(in.account) {
		repositories = append(repositories, object{
			"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.FullName(), "private": r.private,
		})
	}
	g.enqueue(g.event("installation", action, in.id, object{
		"action": action, "installation": g.installationObject(in), "repositories": repositories,
		"requester": nil, "sender": g.userObject(who),
	}))
}

// event makes a delivery. g.mu is held.
func (g *GitHub) event(event, action string, installation int64, payload object) *Delivery {
	raw, err := json.Marshal(payload)
	if err != nil {
		panic(fmt.Sprintf("githubtest: encode %s: %v", event, err))
	}
	return &Delivery{GUID: guid(), Event: event, Action: action, InstallationID: installation, Payload: raw}
}

// again is the same event once more.
func (d *Delivery) again() *Delivery {
	return &Delivery{
		GUID: d.GUID, Event: d.Event, Action: d.Action, Redelivery: true,
		InstallationID: d.InstallationID, RepositoryID: d.RepositoryID, Payload: d.Payload,
	}
}

// enqueue puts a delivery in line; without a webhook there is no line. g.mu is held.
func (g *GitHub) enqueue(d *Delivery) {
	if g.hook.url == "" {
		return
	}
	d.ID = g.id()
	g.hook.queue = append(g.hook.queue, d)
	g.notify()
}

// deliver carries deliveries out, one at a time, until Close.
func (g *GitHub) deliver() {
	client := &http.Client{
		Timeout:       deliveryTime,
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	for {
		var d Delivery
		var to string
		var drop bool
		err := g.await(g.ctx, func() bool {
			if len(g.hook.queue) == 0 || g.hook.held {
				return false
			}
			d, to, drop = *g.hook.queue[0], g.hook.url, g.hook.dropping
			g.hook.queue, g.hook.sending = g.hook.queue[1:], true
			return true
		})
		if err != nil {
			return
		}
		g.attempt(client, &d, to, drop)
		g.mu.Lock()
		g.hook.attempts, g.hook.sending = append(g.hook.attempts, &d), false
		g.notify()
		g.mu.Unlock()
		g.options.Logf("githubtest: deliver %s %s %s: %d %s", d.Event, d.Action, d.GUID, d.StatusCode, d.Status)
	}
}

// attempt carries out one delivery and notes what became of it.
func (g *GitHub) attempt(client *http.Client, d *Delivery, to string, drop bool) {
	d.At, d.Header = g.now(), g.deliveryHeader(d)
	began := time.Now()
	defer func() { d.Duration = time.Since(began) }()
	d.StatusCode, d.Status = http.StatusBadGateway, "failed to connect to host"
	if drop {
		return
	}
	req, err := http.NewRequestWithContext(g.ctx, http.MethodPost, to, bytes.NewReader(d.Payload))
	if err != nil {
		d.Status = "invalid url"
		return
	}
	req.Header = d.Header.Clone()
	resp, err := client.Do(req)
	if err != nil {
		if timeout := interface{ Timeout() bool }(nil); errors.As(err, &timeout) && timeout.Timeout() {
			d.StatusCode, d.Status = http.StatusGatewayTimeout, "timed out"
		}
		return
	}
	defer resp.Body.Close()
	d.StatusCode, d.Status = resp.StatusCode, http.StatusText(resp.StatusCode)
	if d.ok() {
		d.Status = "OK"
	}
	d.Answer, _ = io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what came until it broke
}

func (g *GitHub) deliveryHeader(d *Delivery) http.Header {
	mac := hmac.New(sha256.New, []byte(g.options.WebhookSecret))
	mac.Write(d.Payload)
	return http.Header{
		"Accept":                                 {"*/*"},
		"Content-Type":                           {"application/json"},
		"User-Agent":                             {"GitHub-Hookshot/githubtest"},
		"X-Github-Delivery":                      {d.GUID},
		"X-Github-Event":                         {d.Event},
		"X-Github-Hook-Id":                       {strconv.FormatInt(g.appID, 10)},
		"X-Github-Hook-Installation-Target-Id":   {strconv.FormatInt(g.appID, 10)},
		"X-Github-Hook-Installation-Target-Type": {"integration"},
		"X-Hub-Signature-256":                    {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
	}
}

// guid is a random UUID.
func guid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}
