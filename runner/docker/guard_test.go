package docker_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/docker"
)

// sh runs a command of this machine.
func sh(t *testing.T, command string) string {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), "sh", "-ec", command).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

// networkOfItsOwn gives the bench a network of its own, whose rules touch no other test.
func networkOfItsOwn(b *bench) (bridge string) {
	name := "container:stagegate-" + strings.ToLower(rand.Text()[:8])
	b.engine.OnNetwork(name)
	id, err := b.engine.NetworkID(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	bridge = "br-" + id[:12]
	b.Cleanup(func() {
		for _, hook := range [][2]string{{"DOCKER-USER", "STAGEGATE-"}, {"INPUT", "STAGEGATE-IN-"}} {
			chain := hook[1] + id[:12]
			_, _ = exec.CommandContext(context.Background(), "sh", "-c", "while iptables -w 5 -D "+hook[0]+" -i "+bridge+" -j "+chain+"; do :; done; iptables -w 5 -F "+chain+"; iptables -w 5 -X "+chain).CombinedOutput()
		}
		if err := api.NetworkRemove(context.Background(), id); err != nil {
			b.Error(err)
		}
	})
	return bridge
}

// cloud is a machine beside this one, with the address that clouds tell their
// machines about themselves at, and another one. It answers on port 8000.
func cloud(t *testing.T) (near string) {
	t.Helper()
	within := ownNetwork(t)
	link := "sg" + strings.ToLower(rand.Text()[:6])
	subnet := fmt.Sprintf("10.213.%d", rand.Text()[0])
	near = subnet + ".2"
	thread := 0
	_ = within(func() error { thread = syscall.Gettid(); return nil })
	sh(t, fmt.Sprintf(`ip link add %[1]s type veth peer name eth0 netns %[2]d
ip addr add %[3]s.1/24 dev %[1]s; ip link set %[1]s up; ip route replace 169.254.169.254/32 via %[3]s.2 dev %[1]s`, link, thread, subnet))
	t.Cleanup(func() { sh(t, "ip link del "+link) })
	err := within(func() error {
		sh(t, fmt.Sprintf(`ip addr add %[1]s.2/24 dev eth0; ip addr add 169.254.169.254/32 dev eth0
ip link set eth0 up; ip link set lo up; ip route add default via %[1]s.1`, subnet))
		return answering(t, "0.0.0.0:8000").err
	})
	if err != nil {
		t.Fatal(err)
	}
	return near
}

// service says "reached" to whoever comes.
type service struct {
	port uint16
	err  error
}

func answering(t *testing.T, address string) service {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", address)
	if err != nil {
		return service{err: err}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("reached\n"))
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return service{port: uint16(l.Addr().(*net.TCPAddr).Port)}
}

// reaches runs a job that tries addresses, and lists those that answered.
func (b *bench) reaches(addresses ...string) string {
	b.Helper()
	j := b.job("for a in " + strings.Join(addresses, " ") + `; do
	for try in 1 2 3; do nc -w 5 ${a%:*} ${a#*:} </dev/null 2>/dev/null | grep -q reached && echo $a && break; done
done; true`)
	if res := b.do(j); res.Status != pipeline.Succeeded {
		b.Fatal(res.Reason)
	}
	return strings.Join(b.files.lines(runner.Stdout), " ")
}

// An action reaches the world, but neither what a cloud tells its machines nor
// the services of this one, unless that is allowed.
func TestActionsDoNotReachTheMachine(t *testing.T) {
	b := newBench(t)
	bridge := networkOfItsOwn(b)
	near := cloud(t)
	i, err := net.InterfaceByName(bridge)
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := i.Addrs()
	if err != nil || len(addrs) == 0 {
		t.Fatal(addrs, err)
	}
	gateway := netip.MustParsePrefix(addrs[0].String()).Addr()
	own := answering(t, "0.0.0.0:0")
	if own.err != nil {
		t.Fatal(own.err)
	}
	machine := fmt.Sprintf("%s:%d", gateway, own.port)
	world, metadata := near+":8000", "169.254.169.254:8000"

	if got := b.reaches(world, metadata, machine); got != world+" "+metadata+" "+machine {
		t.Fatalf("without a guard: %s", got)
	}
	for range 2 { // the second changes nothing
		if err := b.engine.Guard(t.Context(), docker.Guard{}); err != nil {
			t.Fatal(err)
		}
	}
	if rules := sh(t, "iptables -S DOCKER-USER; iptables -S INPUT"); strings.Count(rules, "-i "+bridge+" ") != 2 {
		t.Error(rules)
	}
	if got := b.reaches(world, metadata, machine); got != world {
		t.Errorf("with a guard: %s", got)
	}
	_, rules, err := b.engine.Rules(t.Context(), docker.Guard{})
	if err != nil || rules.Missing(t.Context()) != nil {
		t.Errorf("%v, %v", err, rules.Missing(t.Context()))
	}
	reach := docker.Guard{Reach: []docker.Reach{{To: netip.PrefixFrom(gateway, 32), Port: own.port}}}
	if err := b.engine.Guard(t.Context(), reach); err != nil {
		t.Fatal(err)
	}
	if got := b.reaches(world, metadata, machine); got != world+" "+machine {
		t.Errorf("with the machine's port open: %s", got)
	}
	if err := rules.Missing(t.Context()); err != nil { // one more than asked for is none less
		t.Error(err)
	}
	if err := b.engine.Guard(t.Context(), docker.Guard{Open: true}); err != nil {
		t.Fatal(err)
	}
	if got := b.reaches(world, metadata, machine); got != world+" "+metadata+" "+machine {
		t.Errorf("open: %s", got)
	}
	if err := rules.Missing(t.Context()); err == nil {
		t.Error("no rule is missing")
	}
}

// What doctor prints can be typed, and is what the runner sets.
func TestRulesCanBeTyped(t *testing.T) {
	b := newBench(t)
	networkOfItsOwn(b)
	_, rules, err := b.engine.Rules(t.Context(), docker.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	if rules.Missing(t.Context()) == nil {
		t.Error("no rule is missing")
	}
	for _, command := range rules.Commands() {
		sh(t, strings.Replace(command, "iptables", "iptables -w 5", 1))
	}
	if err := rules.Missing(t.Context()); err != nil {
		t.Error(err)
	}
}
