package docker

import (
	"errors"
	"io"
	"net"
	"syscall"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/client"
)

// unavailable tells an engine that is away, or went away in the middle of an
// answer, from one that refuses.
func unavailable(err error) bool {
	var network net.Error
	return client.IsErrConnectionFailed(err) ||
		cerrdefs.IsUnavailable(err) ||
		errors.As(err, &network) ||
		errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
}
