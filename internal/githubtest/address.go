package githubtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
)

// FreeAddress is a loopback address where nobody listens, for a server that is stopped
// and started again. It lies below the ports that systems give to connections of their
// own accord, one of which could else take it meanwhile.
func FreeAddress(ctx context.Context) (string, error) {
	var err error
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)) //nolint:gosec // chance only keeps two servers apart
		var l net.Listener
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", fmt.Errorf("find a free port: %w", err)
}
