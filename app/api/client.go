package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Client asks the API of a running process. What is refused is a *Refusal.
type Client struct {
	URL   string // of the process, without a trailing slash
	Token string
	HTTP  *http.Client // nil: http.DefaultClient
}

// Pipelines lists the pipelines of a repository, or all for "".
func (c Client) Pipelines(ctx context.Context, repository string) (Page[Pipeline], error) {
	return get[Page[Pipeline]](ctx, c, "/pipelines", values("repository", repository))
}

// Executions lists one page of executions, newest first.
func (c Client) Executions(ctx context.Context, f Filter) (Page[Summary], error) {
	return get[Page[Summary]](ctx, c, "/executions", values(
		"repository", f.Repository, "pipeline", f.Pipeline, "number", positive(f.Number), "lane", f.Lane,
		"commit", f.Commit, "status", string(f.Status), "succeeded_in", f.Succeeded, "cursor", f.Before, "limit", positive(f.Limit)))
}

// Execution returns one execution.
func (c Client) Execution(ctx context.Context, id string) (Execution, error) {
	return get[Execution](ctx, c, path("executions", id), nil)
}

// Decide answers an approval and returns the execution as it is then.
func (c Client) Decide(ctx context.Context, id string, a Answer) (Execution, error) {
	verb := "reject"
	if a.Approved {
		verb = "approve"
	}
	return post[Execution](ctx, c, path("executions", id, verb), a)
}

// Start starts a pipeline; with a key, once however often it is called.
func (c Client) Start(ctx context.Context, s Start, key string) (Execution, error) {
	return post[Execution](ctx, c, "/executions", s, KeyHeader, key)
}

// Retry runs a failed stage again.
func (c Client) Retry(ctx context.Context, id string, r Retry) (Execution, error) {
	return post[Execution](ctx, c, path("executions", id, "retry"), r)
}

// Override lets a stage go on that its rules keep back or have failed.
func (c Client) Override(ctx context.Context, id string, o Override) (Execution, error) {
	return post[Execution](ctx, c, path("executions", id, "override"), o)
}

// Stop stops an execution.
func (c Client) Stop(ctx context.Context, id string, s Stop) (Execution, error) {
	return post[Execution](ctx, c, path("executions", id, "stop"), s)
}

// Rollback goes back to what a stage had before, or tells what that would do; with a key
// once.
func (c Client) Rollback(ctx context.Context, r Rollback, key string) (RollbackPlan, error) {
	return post[RollbackPlan](ctx, c, "/rollbacks", r, KeyHeader, key)
}

// Webhook tells where a pipeline is called, and under which secret.
func (c Client) Webhook(ctx context.Context, repository, pipeline string) (Webhook, error) {
	return get[Webhook](ctx, c, "/webhook", values("repository", repository, "pipeline", pipeline))
}

// Transitions lists those that are disabled, of a repository and a pipeline, or all
// for "".
func (c Client) Transitions(ctx context.Context, repository, pipeline string) (Page[Transition], error) {
	return get[Page[Transition]](ctx, c, "/transitions", values("repository", repository, "pipeline", pipeline))
}

// Disable closes the way into a stage and returns it as it is then.
func (c Client) Disable(ctx context.Context, d Disable) (Transition, error) {
	return post[Transition](ctx, c, "/transitions", d)
}

// Enable opens the way into a stage and returns what kept it closed.
func (c Client) Enable(ctx context.Context, w Way) (Transition, error) {
	return post[Transition](ctx, c, "/transitions/enable", w)
}

// Audit lists one page of the audit log.
func (c Client) Audit(ctx context.Context, q AuditQuery) (AuditPage, error) {
	order, cursor, since := "newest", q.Before, ""
	if q.Oldest {
		order, cursor = "oldest", q.After
	}
	if !q.Since.IsZero() {
		since = q.Since.UTC().Format(time.RFC3339)
	}
	return get[AuditPage](ctx, c, "/audit", values("repository", q.Repository, "execution", q.Execution, "actor", q.Actor, "kind", q.Kind,
		"since", since, "order", order, "cursor", positive(int(cursor)), "limit", positive(q.Limit)))
}

// Runners lists the runners of other machines.
func (c Client) Runners(ctx context.Context) (Page[Runner], error) {
	return get[Page[Runner]](ctx, c, "/runners", nil)
}

// AddRunner makes a runner of another machine, with a token.
func (c Client) AddRunner(ctx context.Context, name string) (NewRunner, error) {
	return post[NewRunner](ctx, c, "/runners", AddRunner{name})
}

// RemoveRunner makes a runner's token worthless.
func (c Client) RemoveRunner(ctx context.Context, name string) (Runner, error) {
	return send[Runner](ctx, c, http.MethodDelete, path("runners", name), nil)
}

// LogQuery says which part of which log is wanted.
type LogQuery struct {
	Execution, Stage, Action string
	Attempt                  int   // zero: the newest
	Offset                   int64 // bytes that were read already
	Wait                     int   // seconds to wait where there is nothing yet, 30 at most
}

// Log opens a log from an offset on. Ended tells that the log does not grow any
// more. The caller closes it.
func (c Client) Log(ctx context.Context, q LogQuery) (log io.ReadCloser, ended bool, err error) {
	resp, err := c.do(ctx, http.MethodGet, path("executions", q.Execution, "stages", q.Stage, "actions", q.Action, "log"),
		values("attempt", positive(q.Attempt), "offset", positive(int(q.Offset)), "wait", positive(q.Wait)), nil)
	if err != nil {
		return nil, false, err
	}
	return resp.Body, resp.Header.Get(EndedHeader) == "true", nil
}

// Artifact opens the tar of an artifact. The caller closes it.
func (c Client) Artifact(ctx context.Context, id, name string) (io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodGet, path("executions", id, "artifacts", name), nil, nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

func get[T any](ctx context.Context, c Client, path string, query url.Values) (T, error) {
	return send[T](ctx, c, http.MethodGet, path, query)
}

func send[T any](ctx context.Context, c Client, method, path string, query url.Values) (T, error) {
	var out T
	resp, err := c.do(ctx, method, path, query, nil)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	err = read(resp.Body, &out)
	return out, err
}

func post[T any](ctx context.Context, c Client, path string, body any, header ...string) (T, error) {
	var out T
	text, err := json.Marshal(body)
	if err != nil {
		return out, fmt.Errorf("encode the request: %w", err)
	}
	resp, err := c.do(ctx, http.MethodPost, path, nil, text, header...)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	err = read(resp.Body, &out)
	return out, err
}

func read(from io.Reader, into any) error {
	if err := json.NewDecoder(from).Decode(into); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// do sends a request and returns an answer that is 2xx.
func (c Client) do(ctx context.Context, method, path string, query url.Values, body []byte, header ...string) (*http.Response, error) {
	to := c.URL + Prefix + path
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for pair := range slices.Chunk(header, 2) {
		if name, value := pair[0], pair[len(pair)-1]; value != "" {
			req.Header.Set(name, value)
		}
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.URL, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, c.refusal(resp)
}

// refusal reads why something was refused. An answer of another kind is not
// Stagegate's.
func (c Client) refusal(resp *http.Response) error {
	var no Refusal
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&no); err != nil || no.Message == "" {
		return fmt.Errorf("ask %s: it answers %s, and not as a Stagegate of this version does", c.URL, resp.Status)
	}
	return &no
}

func path(parts ...string) string {
	all := ""
	for _, p := range parts {
		all += "/" + url.PathEscape(p)
	}
	return all
}

// values makes a query of names and values in turn, without empty ones.
func values(pairs ...string) url.Values {
	q := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		if name, value := pair[0], pair[len(pair)-1]; value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}
