package githubtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/githubtest"
)

func TestRedelivery(t *testing.T) {
	w := newWorld(t)
	w.github.DropDeliveries(true)
	w.push("main", "a", "a\n")
	if got := w.delivered("push", ""); len(got) != 0 {
		t.Fatalf("a dropped push arrived: %v", got)
	}
	w.github.DropDeliveries(false)
	var list []struct {
		ID         int64
		GUID       string
		Event      string
		StatusCode int `json:"status_code"`
		Redelivery bool
	}
	app := w.jwt(time.Minute)
	w.call("GET", "/app/hook/deliveries?status=failure", "", app).want(200).into(&list)
	if len(list) != 2 || list[0].Event != "check_suite" || list[1].Event != "push" || list[1].StatusCode != 502 {
		t.Fatalf("failed are %+v", list)
	}
	w.call("POST", fmt.Sprintf("/app/hook/deliveries/%d/attempts", list[1].ID), "", app).want(202)
	if got := w.delivered("push", ""); len(got) != 1 {
		t.Fatalf("%d pushes", len(got))
	}
	if err := w.github.Redeliver(list[1].GUID); err != nil {
		t.Fatal(err)
	}
	if got := w.delivered("push", ""); len(got) != 2 {
		t.Fatalf("%d pushes", len(got))
	}
	failed := list[1]
	w.call("GET", "/app/hook/deliveries?status=success&per_page=1", "", app).want(200).into(&list)
	if len(list) != 1 || list[0].GUID != failed.GUID || !list[0].Redelivery || list[0].ID == failed.ID {
		t.Errorf("the newest is %+v, want a redelivery of %+v", list, failed)
	}
	if w.github.Redeliver("none") == nil {
		t.Error("redelivered what never was")
	}
	w.call("POST", "/app/hook/deliveries/1/attempts", "", app).want(404)
}

func TestDeliveriesByCursor(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.push("main", "a", fmt.Sprint(i))
	}
	w.delivered("push", "")
	var ids []int64
	for next := "/app/hook/deliveries?per_page=3"; next != ""; {
		var list []struct{ ID int64 }
		got := w.call("GET", next, "", w.jwt(time.Minute)).want(200)
		got.into(&list)
		for _, d := range list {
			ids = append(ids, d.ID)
		}
		next = linkTo(got.header, "next")
	}
	all := w.github.Deliveries()
	if len(ids) != len(all) || len(all) != 7 {
		t.Fatalf("listed %d of %d deliveries", len(ids), len(all))
	}
	for i, d := range all {
		if ids[len(ids)-1-i] != d.ID {
			t.Errorf("the list is not newest first: %v", ids)
		}
	}
	w.call("GET", "/app/hook/deliveries?cursor=x", "", w.jwt(time.Minute)).want(400)
}

func TestHeldDeliveries(t *testing.T) {
	w := newWorld(t)
	w.delivered("installation", "")
	w.github.HoldDeliveries(true)
	w.push("main", "a", "a\n")
	if got := len(w.github.Deliveries()); got != 1 {
		t.Errorf("%d deliveries went out", got)
	}
	w.github.HoldDeliveries(false)
	if got := w.delivered("push", ""); len(got) != 1 {
		t.Errorf("%d pushes", len(got))
	}
}

func TestDeliveryStatus(t *testing.T) {
	g := githubtest.New(t, githubtest.Options{WebhookSecret: "s"})
	g.Ping()
	for _, c := range []struct {
		handler http.HandlerFunc
		code    int
	}{
		{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) }, 202},
		{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, 500},
		{func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, 302},
		{func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 502},
	} {
		server := httptest.NewServer(c.handler)
		g.SetWebhookURL(server.URL)
		g.Ping()
		if err := g.WaitDelivered(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := g.Deliveries()
		if d := all[len(all)-1]; d.StatusCode != c.code || d.Event != "ping" {
			t.Errorf("kept %s as %d, want %d", d.Event, d.StatusCode, c.code)
		}
		server.Close()
	}
	if got := len(g.Deliveries()); got != 4 {
		t.Errorf("%d deliveries; without a webhook there is none", got)
	}
}
