package docker

import (
	"errors"
	"strings"
	"testing"
)

func TestProgress(t *testing.T) {
	p := progress{layers: map[string]layer{}}
	for _, m := range []message{
		{ID: "1", Status: "Pulling from library/shop"},
		{ID: "a", Status: "Pulling fs layer"},
		{ID: "b", Status: "Already exists"},
		{ID: "c", Status: "Downloading"},
	} {
		m.Progress.Current, m.Progress.Total = 3e6, 12e6
		p.take(m)
	}
	if got, want := p.String(), "pulling: 1 of 3 layers, 3 of 12 MB"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.take(message{ID: "c", Status: "Pull complete"})
	if got, want := p.String(), "pulling: 2 of 3 layers, 12 of 12 MB"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPullThatEndsEarly(t *testing.T) {
	err := follow(strings.NewReader(`{"status":"Waiting","id":"a"}{"error":"read tcp: connection reset by peer"}`), nil, func() {})
	if _, passing := mayPass(err); !passing {
		t.Errorf("%v is tried again: %v", err, passing)
	}
	for _, text := range []string{"manifest unknown", "pull access denied for x", "no matching manifest for linux/arm64", "write: no space left on device"} {
		if _, passing := mayPass(errors.New(text)); passing {
			t.Errorf("%s is tried again", text)
		}
	}
}
