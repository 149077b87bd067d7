package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

// engine speaks to a Docker Engine as plainly as can be: HTTP, and nothing
// that is not asked for.
type engine struct {
	client *http.Client
}

const apiVersion = "v1.41"

// connect takes the engine of DOCKER_HOST, which must be a local socket.
func connect() (engine, error) {
	socket := "/var/run/docker.sock"
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		var local bool
		if socket, local = strings.CutPrefix(host, "unix://"); !local {
			return engine{}, errors.New("the raw loop needs an engine at a local socket, not " + host)
		}
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return engine{&http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 8}}}, nil
}

// container is what POST /containers/create is asked for.
type container struct {
	Image      string
	Cmd        []string
	WorkingDir string     `json:",omitempty"`
	HostConfig hostConfig // the default network and log driver, no limits
}

type hostConfig struct {
	Binds []string `json:",omitempty"`
}

func (e engine) create(ctx context.Context, c container) (id string, err error) {
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	r, err := e.post(ctx, "/containers/create", body)
	if err != nil {
		return "", err
	}
	defer r.Close()
	var made struct{ ID string }
	err = json.NewDecoder(r).Decode(&made)
	return made.ID, err
}

// attach returns the container's output, in frames.
func (e engine) attach(ctx context.Context, id string) (io.ReadCloser, error) {
	return e.post(ctx, "/containers/"+id+"/attach?stream=1&stdout=1&stderr=1", nil)
}

// wait registers for the end; the answer, the exit code, comes with it.
func (e engine) wait(ctx context.Context, id string) (io.ReadCloser, error) {
	return e.post(ctx, "/containers/"+id+"/wait?condition=next-exit", nil)
}

func (e engine) start(ctx context.Context, id string) error {
	r, err := e.post(ctx, "/containers/"+id+"/start", nil)
	if err != nil {
		return err
	}
	return r.Close()
}

func (e engine) remove(ctx context.Context, id string) error {
	r, err := e.call(ctx, http.MethodDelete, "/containers/"+id+"?v=1&force=1", nil)
	if err != nil {
		return err
	}
	return r.Close()
}

func (e engine) post(ctx context.Context, path string, body []byte) (io.ReadCloser, error) {
	return e.call(ctx, http.MethodPost, path, body)
}

func (e engine) call(ctx context.Context, method, path string, body []byte) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://engine/"+apiVersion+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if strings.Contains(path, "/attach?") {
		request.Header.Set("Connection", "Upgrade")
		request.Header.Set("Upgrade", "tcp")
	}
	answer, err := e.client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, bytes.TrimSpace(text))
	}
	return answer.Body, nil
}
