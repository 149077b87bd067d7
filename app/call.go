package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/webhook"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// callSecret signs the calls of a pipeline. It follows from the key in the data
// folder and goes with the repository's id: one that takes the name of another
// has other secrets.
func (a *App) callSecret(repository int64, pipelineName string) string {
	mac := hmac.New(sha256.New, []byte(a.callKey.Reveal()))
	fmt.Fprintf(mac, "webhook %d %s", repository, strings.ToLower(pipelineName))
	return hex.EncodeToString(mac.Sum(nil))
}

// Webhook tells an administrator of a repository where its pipeline is called, and under
// which secret.
func (v visitor) Webhook(ctx context.Context, repository, pipelineName string) (api.Webhook, error) {
	if err := v.administers(ctx, repository, "tell the secret of a webhook"); err != nil {
		return api.Webhook{}, v.toAPI(err)
	}
	c, err := v.callable(ctx, repository, 0, pipelineName)
	if err != nil {
		return api.Webhook{}, v.toAPI(err)
	}
	return api.Webhook{
		Repository: c.Repository, Pipeline: c.Definition.Name, Filter: c.Definition.On.Webhook.Filter,
		URL:    fmt.Sprintf("%s%s%d/%s/%s", v.settings.PublicURL, webhook.CallsPath, c.RepositoryID, c.Repository, c.Definition.Name),
		Secret: v.callSecret(c.RepositoryID, c.Definition.Name),
	}, nil
}

// callable finds a pipeline that may be called: the default branch's file says so.
// An id is that of the repository, where it is known.
func (a *App) callable(ctx context.Context, name string, id int64, pipelineName string) (store.Execution, error) {
	repo, err := a.repositoryCalled(ctx, name)
	switch {
	case err != nil:
		return store.Execution{}, err
	case id != 0 && repo.ID != id:
		return store.Execution{}, refused(codeNotFound, "another repository is called %s now: ask the operator for the new address", repo)
	}
	r, err := a.revision(ctx, repo, api.Start{})
	if err != nil {
		return store.Execution{}, err
	}
	c, err := a.pipelineCalled(ctx, repo, r.Commit, pipelineName)
	switch {
	case err != nil:
		return store.Execution{}, err
	case c.definition.On.Webhook == nil:
		return store.Execution{}, refused(codeConflict, "the pipeline %s of %s has no webhook under on, at %s of %s",
			c.definition.Name, repo, shortSHA(r.Commit), r.Branch)
	}
	return onDefaultBranch(repo, r, c), nil
}

// called starts a pipeline because of a signed call, once for the same body: the
// body is all that is signed, so whoever sees a call could send it again. What it
// says decides by the filter, and goes no further.
func (a *App) called(ctx context.Context, c webhook.Call) (webhook.Called, error) {
	key := store.Derived("webhook", strconv.FormatInt(c.RepositoryID, 10), strings.ToLower(c.Pipeline), c.Digest)
	if before, err := a.calledBefore(ctx, key); err != nil || before.Execution != "" {
		return before, err
	}
	x, err := a.callable(ctx, c.Repository, c.RepositoryID, c.Pipeline)
	var no refusal
	switch {
	case errors.As(err, &no) && len(no.alternatives) > 0: // whose names are none of the caller's business
		return webhook.Called{Reason: "the default branch has no such pipeline any more"}, nil
	case errors.As(err, &no):
		return webhook.Called{Reason: no.message}, nil
	case err != nil:
		return webhook.Called{}, a.orBusy(err)
	}
	admits, err := x.Definition.On.Webhook.Admits(c.Body)
	switch {
	case err != nil:
		return webhook.Called{Reason: err.Error()}, nil //nolint:nilerr // that the filter has no answer is an answer
	case !admits:
		return webhook.Called{Reason: "the filter does not let it through: " + x.Definition.On.Webhook.Filter}, nil
	}
	x.Trigger, x.Delivery = pipeline.OnWebhook, key
	repo := repository(x)
	repo.DefaultBranch = x.Revision.Branch
	if err := a.trustOne(ctx, repo, &x.Execution); err != nil {
		return webhook.Called{}, a.orBusy(err)
	}
	fresh, err := a.begin(ctx, &x, nil, "")
	switch {
	case err != nil:
		return webhook.Called{}, err
	case !fresh: // the same came twice at once
		return a.calledBefore(ctx, key)
	}
	return webhook.Called{Started: true, Execution: x.ID, Number: x.Number}, nil
}

// orBusy asks the caller to come back where GitHub could not be asked.
func (a *App) orBusy(err error) error {
	if transient(err) || errors.Is(err, github.ErrGone) || errors.Is(err, github.ErrRefused) {
		a.log.Warn("GitHub could not be asked", "error", err)
		return webhook.ErrBusy
	}
	return err
}

// calledBefore tells what a call has started already, if anything.
func (a *App) calledBefore(ctx context.Context, key int64) (webhook.Called, error) {
	var found []store.Execution
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		found, err = tx.Find(ctx, store.Filter{Delivery: key})
		return err
	})
	if err != nil || len(found) == 0 {
		return webhook.Called{}, err
	}
	x := found[0]
	return webhook.Called{Execution: x.ID, Number: x.Number, Reason: fmt.Sprintf(
		"the same body has started execution %d already: send one that differs, by a time in it for example", x.Number)}, nil
}
