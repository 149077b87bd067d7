package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	gh "github.com/google/go-github/v60/github"
)

// pageSize is the most GitHub gives in one page.
const pageSize = 100

// request is one request in the making.
type request struct {
	what         string // for the error, verb first
	installation int64  // 0: the App itself
	method       string
	path         string // relative to the base
	query        url.Values
	body         any
	err          error // why it cannot be made
}

var errUnknownInstallation = errors.New("the installation is not known")

// asApp starts a request that the App makes with its own key.
func asApp(what string, segments ...string) request {
	r := request{what: what, method: http.MethodGet}
	r.path, r.err = route(segments...)
	return r
}

// onRepo starts a request below /repos/{owner}/{repo}.
func onRepo(repo Repository, what string, segments ...string) request {
	r := asApp(what+" of "+repo.String(), append([]string{"repos", repo.Owner, repo.Name}, segments...)...)
	r.installation = repo.Installation
	if repo.Installation == 0 {
		r.err = errUnknownInstallation
	}
	return r
}

// route joins and escapes the segments of a path. Some of them come from
// people's files, so none may climb.
func route(segments ...string) (string, error) {
	var b strings.Builder
	for i, s := range segments {
		if s == "" || s == "." || s == ".." {
			return "", fmt.Errorf("%w: %q cannot be a part of a path", ErrNotFound, s)
		}
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(url.PathEscape(s))
	}
	return b.String(), nil
}

func (r request) with(query ...string) request {
	r.query = url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		r.query.Set(query[i], query[i+1])
	}
	return r
}

func (r request) sending(method string, body any) request {
	r.method, r.body = method, body
	return r
}

func (r request) url() string {
	if len(r.query) == 0 {
		return r.path
	}
	return r.path + "?" + r.query.Encode()
}

// send sends a request and decodes its answer.
func send[T any](ctx context.Context, c *Client, r request) (T, *gh.Response, error) {
	var into T
	resp, err := c.do(ctx, r, &into)
	if err != nil {
		var none T
		return none, nil, fmt.Errorf("%s: %w", r.what, err)
	}
	return into, resp, nil
}

// pages sends a request for each page of a list until take wants no more.
func pages[T any](ctx context.Context, c *Client, r request, take func(T) (more bool)) error {
	for page := 1; page > 0; {
		r.query = withPage(r.query, page)
		list, resp, err := send[T](ctx, c, r)
		if err != nil {
			return err
		}
		if !take(list) || resp.NextPage <= page {
			return nil
		}
		page = resp.NextPage
	}
	return nil
}

func withPage(q url.Values, page int) url.Values {
	if q == nil {
		q = url.Values{}
	}
	q.Set("per_page", strconv.Itoa(pageSize))
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	return q
}

func (c *Client) do(ctx context.Context, r request, into any) (*gh.Response, error) {
	if r.err != nil {
		return nil, r.err
	}
	in := c.installation(r.installation)
	if err := in.admit(ctx, r.method); err != nil {
		return nil, err
	}
	api, err := c.client(in)
	if err != nil {
		return nil, err
	}
	req, err := api.NewRequest(r.method, r.url(), r.body)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	resp, err := api.Do(bounded, req, into)
	if accepted := new(gh.AcceptedError); errors.As(err, &accepted) {
		err = nil // a redelivery is answered 202
	}
	if err != nil {
		return nil, c.judge(ctx, in, err)
	}
	return resp, nil
}
