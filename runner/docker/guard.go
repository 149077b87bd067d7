package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"

	"github.com/docker/docker/api/types/network"
)

// Guard keeps containers away from this machine's own services and from what a
// cloud tells its machines, credentials among it. That takes rules of iptables
// beside the engine's own, on the machine whose bridge the containers are on.
type Guard struct {
	Reach []Reach // what they may reach all the same
	Open  bool    // they may reach everything
}

// Reach is a network, or with a Port one TCP port of it.
type Reach struct {
	To   netip.Prefix
	Port uint16
}

// secluded are the addresses that clouds have for their machines. Those below
// 169.254 are what an address without a network is too.
var secluded = []string{
	"169.254.0.0/16",     // AWS, Azure, Google and most others
	"168.63.129.16/32",   // Azure
	"100.100.100.200/32", // Alibaba
	"192.0.0.192/32",     // Oracle
	"fd00:ec2::/32",      // AWS
	"fd20:ce::254/128",   // Google
}

// Guard sets the rules, now and whenever the network is made anew. Its error says
// why it cannot; containers run all the same, and somebody else has to set them.
func (e *Engine) Guard(ctx context.Context, g Guard) error {
	e.mu.Lock()
	e.guard = &g
	e.mu.Unlock()
	_, rules, err := e.Rules(ctx, g)
	if err != nil {
		return err
	}
	return rules.apply(ctx)
}

// Rules returns the name of the containers' bridge and the rules of a guard on it.
func (e *Engine) Rules(ctx context.Context, g Guard) (bridge string, r Rules, err error) {
	id, err := e.network(ctx)
	if err != nil {
		return "", Rules{}, err
	}
	return e.rulesOf(ctx, id, g)
}

func (e *Engine) rulesOf(ctx context.Context, id string, g Guard) (bridge string, r Rules, err error) {
	about, err := e.api.NetworkInspect(ctx, id, network.InspectOptions{})
	if err != nil {
		return "", Rules{}, fmt.Errorf("inspect network: %w", translate(ctx, err))
	}
	bridge = about.Options["com.docker.network.bridge.name"]
	if bridge == "" {
		bridge = "br-" + id[:12]
	}
	return bridge, newRules(bridge, id[:12], g, about.EnableIPv6), nil
}

// Rules are those of one bridge, in chains of their own.
type Rules struct {
	bridge string
	tables []chains
}

// chains are the rules for one version of IP.
type chains struct {
	program string
	names   [2]string   // of the chains
	hooks   [2]string   // the chains that lead to them
	rules   [2][]string // without the name of the chain
}

// newRules: what leaves the bridge for elsewhere goes through the first chain, what
// is for this machine through the second. Names are looked up on port 53, which
// some clouds have on the very addresses that are closed.
func newRules(bridge, id string, g Guard, six bool) Rules {
	r := Rules{bridge: bridge}
	hooks := map[string][2]string{"iptables": {"DOCKER-USER", "INPUT"}, "ip6tables": {"FORWARD", "INPUT"}}
	for _, program := range []string{"iptables", "ip6tables"} {
		if program == "ip6tables" && !six {
			break
		}
		c := chains{program: program, names: [2]string{"STAGEGATE-" + id, "STAGEGATE-IN-" + id}, hooks: hooks[program]}
		if !g.Open {
			c.rules = ruleTexts(program == "ip6tables", g.Reach)
		}
		r.tables = append(r.tables, c)
	}
	return r
}

func ruleTexts(six bool, reach []Reach) (both [2][]string) {
	known := []string{"-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN"}
	for _, to := range reach {
		switch {
		case to.To.Addr().Is6() != six:
		case to.Port != 0:
			known = append(known, fmt.Sprintf("-d %s -p tcp --dport %d -j RETURN", to.To, to.Port))
		default:
			known = append(known, fmt.Sprintf("-d %s -j RETURN", to.To))
		}
	}
	known = append(known, "-p udp --dport 53 -j RETURN", "-p tcp --dport 53 -j RETURN")
	if six {
		known = append(known, "-p ipv6-icmp -j RETURN") // without which there are no neighbours
	}
	both = [2][]string{append([]string{}, known...), append(known, "-j REJECT")}
	for _, to := range secluded {
		if netip.MustParsePrefix(to).Addr().Is6() == six {
			both[0] = append(both[0], "-d "+to+" -j REJECT")
		}
	}
	return both
}

// Commands are the rules as somebody types them.
func (r Rules) Commands() []string {
	var all []string
	for _, c := range r.tables {
		for i, name := range c.names {
			all = append(all, c.program+" -N "+name)
			for _, rule := range c.rules[i] {
				all = append(all, c.program+" -A "+name+" "+rule)
			}
			all = append(all, c.program+" -I "+r.hook(c, i))
		}
	}
	return all
}

func (r Rules) hook(c chains, i int) string {
	return c.hooks[i] + " -i " + r.bridge + " -j " + c.names[i]
}

// Missing tells why the rules are not in force; nil: they are, or nobody here can
// say so.
func (r Rules) Missing(ctx context.Context) error {
	if err := r.here(); err != nil {
		return err
	}
	for _, c := range r.tables {
		for i, name := range c.names {
			for _, rule := range append([]string{r.hook(c, i)}, prefixed(name+" ", c.rules[i])...) {
				if err := tables(ctx, c.program, "", append([]string{"-C"}, strings.Fields(rule)...)); err != nil {
					return fmt.Errorf("a rule is missing: %s -A %s", c.program, rule)
				}
			}
		}
	}
	return nil
}

func prefixed(prefix string, all []string) []string {
	var out []string
	for _, s := range all {
		out = append(out, prefix+s)
	}
	return out
}

// here tells why this process cannot set rules.
func (r Rules) here() error {
	if os.Geteuid() != 0 {
		return errors.New("rules of iptables take root, which this process is not")
	}
	if _, err := net.InterfaceByName(r.bridge); err != nil {
		return fmt.Errorf("the containers' bridge %s is not on this machine, or not seen from here", r.bridge)
	}
	for _, c := range r.tables {
		for _, program := range []string{c.program, c.program + "-restore"} {
			if _, err := exec.LookPath(program); err != nil {
				return fmt.Errorf("%s is not installed", program)
			}
		}
	}
	return nil
}

// apply puts the rules in force. All those of a version come at once, so that
// there is no moment without them, and doing it again changes nothing.
func (r Rules) apply(ctx context.Context) error {
	if err := r.here(); err != nil {
		return err
	}
	for _, c := range r.tables {
		var text bytes.Buffer
		text.WriteString("*filter\n")
		for i, name := range c.names {
			fmt.Fprintf(&text, ":%s - [0:0]\n", name)
			for _, rule := range c.rules[i] {
				fmt.Fprintf(&text, "-A %s %s\n", name, rule)
			}
		}
		text.WriteString("COMMIT\n")
		if err := tables(ctx, c.program+"-restore", text.String(), []string{"--noflush"}); err != nil {
			return err
		}
		for i := range c.names {
			hook := strings.Fields(r.hook(c, i))
			if tables(ctx, c.program, "", append([]string{"-C"}, hook...)) == nil {
				continue
			}
			if err := tables(ctx, c.program, "", append([]string{"-I"}, hook...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// tables runs a program of iptables.
func tables(ctx context.Context, program, input string, args []string) error {
	cmd := exec.CommandContext(ctx, program, append([]string{"-w", "5"}, args...)...) //nolint:gosec // the rules are ours
	cmd.Stdin = strings.NewReader(input)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, oneLine(string(text)))
	}
	return nil
}
