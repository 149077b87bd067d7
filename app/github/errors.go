package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"
)

// What a call may answer besides nil, by errors.Is. A context's own error
// passes through.
var (
	// ErrNotFound: no such thing, or none that the installation may see.
	ErrNotFound = errors.New("not found at GitHub")
	// ErrGone: GitHub gives no token for the installation: it was deleted or
	// suspended, or the App's id or key is wrong. Trying again is useless.
	ErrGone = errors.New("installation gone")
	// ErrSuspended is the ErrGone of an installation that is there and may not be
	// used: its owner has suspended it.
	ErrSuspended = fmt.Errorf("%w: suspended", ErrGone)
	// ErrUnavailable: GitHub did not answer, or with an error of its own. Try
	// again later.
	ErrUnavailable = errors.New("GitHub unavailable")
	// ErrForbidden: the App lacks a permission, or the repository is blocked.
	ErrForbidden = errors.New("forbidden by GitHub")
	// ErrRefused: GitHub found the request invalid; its message is in the
	// error. Trying again is useless.
	ErrRefused = errors.New("refused by GitHub")
	// ErrTooLarge: there is more than GitHub gives or we take.
	ErrTooLarge = errors.New("too large")
)

// RateLimited says that GitHub wants no request of this installation before
// Until. It is found with errors.As.
type RateLimited struct {
	Until   time.Time
	Message string
}

func (r *RateLimited) Error() string {
	return fmt.Sprintf("rate limited by GitHub until %s: %s", r.Until.UTC().Format(time.RFC3339), r.Message)
}

// judge turns what go-github and ghinstallation return into our errors, and
// remembers what they mean for the installation.
func (c *Client) judge(ctx context.Context, in *installation, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var token *ghinstallation.HTTPError
	if errors.As(err, &token) && token.Response != nil {
		return c.judgeToken(in, token)
	}
	if limit := limitOf(err, c.now()); limit != nil {
		in.hold(limit.Until)
		return limit
	}
	var answer *gh.ErrorResponse
	if !errors.As(err, &answer) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	status := answer.Response.StatusCode
	if in.id != 0 && (status == http.StatusUnauthorized || status == http.StatusForbidden) {
		in.forget()
	}
	return fmt.Errorf("%w: %s", sentinel(in, status, answer), describe(status, answer))
}

// sentinel names an answer that is neither success nor a rate limit.
func sentinel(in *installation, status int, answer *gh.ErrorResponse) error {
	switch {
	case status >= 500:
		return ErrUnavailable
	case status == http.StatusNotFound, status == http.StatusGone:
		return ErrNotFound
	case status == http.StatusUnprocessableEntity && strings.HasPrefix(answer.Message, "No commit found"):
		// There is nothing but the text to tell it from a bad field.
		return ErrNotFound
	case status == http.StatusConflict && answer.Response.Request.Method == http.MethodGet:
		return ErrNotFound // the repository is empty
	case status == http.StatusUnauthorized && in.id != 0:
		return ErrUnavailable // a token revoked early; the next one tells why
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusUnavailableForLegalReasons:
		return ErrForbidden
	default:
		return ErrRefused
	}
}

func describe(status int, answer *gh.ErrorResponse) string {
	s := strconv.Itoa(status) + " " + answer.Message
	for _, e := range answer.Errors {
		text := e.Message
		if text == "" {
			text = strings.TrimSpace(e.Field + " " + e.Code)
		}
		s += "; " + text
	}
	return s
}

// judgeToken reads the answer to a request for a token, which ghinstallation
// leaves open.
func (c *Client) judgeToken(in *installation, e *ghinstallation.HTTPError) error {
	resp := e.Response
	defer resp.Body.Close()
	answer := &gh.ErrorResponse{Response: resp}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil || json.Unmarshal(body, answer) != nil {
		answer.Message = e.Message
	}
	if limit := limitOf(answer, c.now()); limit != nil {
		in.hold(limit.Until)
		return limit
	}
	kind := ErrRefused
	switch status := resp.StatusCode; {
	case status >= 500, status == http.StatusUnauthorized: // a wrong clock or a rotated key can be mended
		kind = ErrUnavailable
	case status == http.StatusForbidden:
		kind = ErrSuspended
	case status == http.StatusNotFound:
		kind = ErrGone
	}
	return fmt.Errorf("get a token of installation %d: %w: %s", in.id, kind, describe(resp.StatusCode, answer))
}

// limitOf tells whether an error is a rate limit, primary or secondary, and
// until when: content/rest/using-the-rest-api/rate-limits-for-the-rest-api.md
// in github/docs has the order of the headers. A 403 without any of the signs
// is a missing permission.
func limitOf(err error, now time.Time) *RateLimited {
	resp, message, secondary := answerOf(err) //nolint:bodyclose // it has been read and closed
	if resp == nil || resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	limit := &RateLimited{Until: now.Add(time.Minute), Message: message}
	if wait, ok := retryAfter(resp.Header, now); ok {
		limit.Until = now.Add(wait)
		return limit
	}
	var primary *gh.RateLimitError
	if errors.As(err, &primary) && primary.Rate.Reset.After(now) {
		limit.Until = primary.Rate.Reset.Time
		return limit
	}
	exhausted := resp.Header.Get("X-RateLimit-Remaining") == "0"
	if reset, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil && exhausted {
		if at := time.Unix(reset, 0); at.After(now) {
			limit.Until = at
		}
		return limit
	}
	if exhausted || secondary || primary != nil || resp.StatusCode == http.StatusTooManyRequests {
		return limit
	}
	return nil
}

// answerOf takes the response and GitHub's message out of go-github's errors.
func answerOf(err error) (resp *http.Response, message string, secondary bool) {
	var (
		primary *gh.RateLimitError
		abuse   *gh.AbuseRateLimitError
		answer  *gh.ErrorResponse
	)
	switch {
	case errors.As(err, &primary):
		return primary.Response, primary.Message, false
	case errors.As(err, &abuse):
		return abuse.Response, abuse.Message, true
	case errors.As(err, &answer):
		return answer.Response, answer.Message, strings.HasSuffix(answer.DocumentationURL, "secondary-rate-limits")
	}
	return nil, "", false
}

func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if v == "" {
		return 0, false
	}
	if seconds, err := strconv.Atoi(v); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(v); err == nil && at.After(now) {
		return at.Sub(now), true
	}
	return time.Minute, true
}
