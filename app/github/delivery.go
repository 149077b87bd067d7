package github

import (
	"context"
	"net/http"
	"strconv"
	"time"

	gh "github.com/google/go-github/v60/github"
)

// FailedDelivery is a delivery that never arrived.
type FailedDelivery struct {
	ID       int64 // of the newest attempt; give it to Redeliver
	GUID     string
	Event    string
	Action   string
	At       time.Time // of the newest attempt
	Attempts int       // since the time asked for
}

// FailedDeliveries lists, newest first, the deliveries none of whose attempts
// since a time was answered with success. GitHub never redelivers by itself,
// and forgets after days: content/webhooks/using-webhooks/
// handling-failed-webhook-deliveries.md in github/docs.
func (c *Client) FailedDeliveries(ctx context.Context, since time.Time) ([]FailedDelivery, error) {
	var (
		order   []string
		failed  = map[string]*FailedDelivery{}
		arrived = map[string]bool{}
	)
	take := func(d *gh.HookDelivery) {
		guid := d.GetGUID()
		arrived[guid] = arrived[guid] || d.GetStatusCode()/100 == 2
		f := failed[guid]
		if f == nil {
			f = &FailedDelivery{
				ID: d.GetID(), GUID: guid, Event: d.GetEvent(), Action: d.GetAction(), At: d.GetDeliveredAt().Time,
			}
			failed[guid] = f
			order = append(order, guid)
		}
		f.Attempts++
	}
	if err := c.deliveries(ctx, since, take); err != nil {
		return nil, err
	}
	var out []FailedDelivery
	for _, guid := range order {
		if !arrived[guid] {
			out = append(out, *failed[guid])
		}
	}
	return out, nil
}

// deliveries walks the attempts from the newest back to since.
func (c *Client) deliveries(ctx context.Context, since time.Time, take func(*gh.HookDelivery)) error {
	cursor := ""
	for {
		r := asApp("list deliveries", "app", "hook", "deliveries").with("per_page", strconv.Itoa(pageSize))
		if cursor != "" {
			r.query.Set("cursor", cursor)
		}
		list, resp, err := send[[]*gh.HookDelivery](ctx, c, r)
		if err != nil {
			return err
		}
		for _, d := range list {
			if d.GetDeliveredAt().Before(since) {
				return nil
			}
			take(d)
		}
		if resp.Cursor == "" || resp.Cursor == cursor || len(list) == 0 {
			return nil
		}
		cursor = resp.Cursor
	}
}

// Redeliver asks GitHub to send a delivery again, under the same GUID.
func (c *Client) Redeliver(ctx context.Context, id int64) error {
	number := strconv.FormatInt(id, 10)
	r := asApp("redeliver "+number, "app", "hook", "deliveries", number, "attempts").sending(http.MethodPost, nil)
	_, _, err := send[struct{}](ctx, c, r)
	return err
}
