package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/runner/docker"
)

func doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether this machine is fit for serve and its runner",
		Long: `Look whether this machine is fit for serve and its runner: settings, files and disks,
the Docker Engine, the rules that keep actions from this machine and a cloud's
metadata, GitHub, and the address that GitHub posts to. It reads the same settings
and changes nothing, but that it has the engine make the network of actions.

Each finding is one line: ok, warning or wrong, what was looked at, and what to do.
The exit code is 1 if something is wrong.`,
		Example: `  stagegate doctor
  sudo -E stagegate doctor`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := config.Load(os.Environ(), changed(cmd.Flags()))
			findings := diagnose(cmd.Context(), settings, err)
			return tellFindings(cmd.OutOrStdout(), findings)
		},
	}
	settingFlags(cmd, config.List())
	return cmd
}

// grade is how grave a finding is.
type grade string

const (
	fine    grade = "ok"
	warning grade = "warning"
	wrong   grade = "wrong"
)

// finding is what doctor has to say of one thing.
type finding struct {
	grade    grade
	what     string
	text     string
	remedy   string   // empty: nothing is to be done
	commands []string // that belong to the remedy
}

const doctorPatience = 15 * time.Second // with any one of those who are asked

// diagnose looks at everything. Settings that could not be read are so many
// findings, and what hangs on them is left out.
func diagnose(ctx context.Context, s config.Settings, err error) []finding {
	var all []finding
	var problems config.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			all = append(all, finding{grade: wrong, what: "settings", text: p.Name, remedy: p.Message})
		}
	} else {
		all = append(all, finding{grade: fine, what: "settings", text: "all can be read"})
		all = append(all, dataFindings(s)...)
	}
	all = append(all, engineFindings(ctx, s)...)
	if len(problems) == 0 {
		all = append(all, githubFindings(ctx, s)...)
	}
	return all
}

// errUnfit makes the exit code; every finding is told already.
var errUnfit = errors.New("something is wrong, see above")

func tellFindings(w io.Writer, all []finding) error {
	bad := false
	for _, f := range all {
		bad = bad || f.grade == wrong
		line := fmt.Sprintf("%-7s  %s: %s", f.grade, f.what, f.text)
		if f.remedy != "" {
			line += ": " + f.remedy
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
		for _, c := range f.commands {
			fmt.Fprintln(w, "             "+c)
		}
	}
	if bad {
		return errUnfit
	}
	return nil
}

// engineFindings are about the Docker Engine and what stands around its containers.
func engineFindings(ctx context.Context, s config.Settings) []finding {
	ctx, stop := context.WithTimeout(ctx, doctorPatience)
	defer stop()
	engine, err := docker.New()
	if err != nil {
		return []finding{{grade: wrong, what: "engine", text: err.Error(), remedy: "correct DOCKER_HOST and its kin"}}
	}
	defer engine.Close()
	about, err := engine.About(ctx)
	if err != nil {
		return []finding{{
			grade: wrong, what: "engine", text: err.Error(),
			remedy: "start Docker Engine 20.10 or newer, let this user use it, or set DOCKER_HOST; with STAGEGATE_RUNNERS=0 none is needed here",
		}}
	}
	all := []finding{
		{grade: fine, what: "engine", text: fmt.Sprintf("Docker Engine %s, API %s", about.Version, about.API)},
		runtimeFinding(about),
		memoryFinding(),
		diskFinding("the engine's disk", about.Folder),
	}
	return append(all, rulesFinding(ctx, engine, s))
}

func runtimeFinding(about docker.About) finding {
	text := fmt.Sprintf("%s is used, the engine has %s", about.Runtime, listed(about.Runtimes))
	if about.Remapped {
		text += "; root in a container is another user outside"
	}
	return finding{grade: fine, what: "runtime", text: text}
}

// rulesFinding is about what actions reach.
func rulesFinding(ctx context.Context, engine *docker.Engine, s config.Settings) finding {
	f := finding{grade: fine, what: "network rules", text: "actions do not reach this machine and a cloud's metadata"}
	g := guardOf(s.ActionReach)
	if g.Open {
		f.text = "STAGEGATE_ACTION_REACH is all: actions reach this machine and a cloud's metadata"
		return f
	}
	bridge, rules, err := engine.Rules(ctx, g)
	if err == nil {
		err = rules.Missing(ctx)
	}
	if err == nil {
		return f
	}
	f.grade, f.text = wrong, fmt.Sprintf("not known to be in force (%v)", err)
	f.remedy = "let serve set them, as root on the engine's machine and in its network, or type there"
	if bridge == "" {
		f.remedy = "set the engine right, and look again"
	}
	f.commands = rules.Commands()
	return f
}
