package docker_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// TestNetworkHasNoServer sees that the engine starts no DNS server for a
// container, whose firewall rules take a quarter of a start.
func TestNetworkHasNoServer(t *testing.T) {
	b := newBench(t)
	if res := b.do(b.job("cat /etc/resolv.conf")); res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason, b.files.log())
	}
	for _, line := range b.files.lines(runner.Stdout) {
		if strings.Contains(line, "127.0.0.11") {
			t.Errorf("names are asked of a server of the engine's: %s", line)
		}
	}
}
