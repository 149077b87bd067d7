// Command bench measures stagegate run beside a plain loop over the Engine API
// that does the same work, and writes what it found into docs/performance.md.
// It takes the binary as a person would, as a whole process, and knows nothing
// of what is inside.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// rawArgument makes this program be the other side of the comparison: it does
// the raw loop of one workload and exits.
const rawArgument = "raw"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // this is a main
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 4 && args[0] == rawArgument {
		return runRaw(ctx, args[1], args[2], args[3])
	}
	var s session
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&s.binary, "binary", "bin/stagegate", "the program to measure")
	flags.StringVar(&s.image, "image", "stagegate/busybox:local", "image of the actions: sh, awk, dd and sha256sum")
	flags.IntVar(&s.rounds, "rounds", 9, "how often each workload runs on each side")
	only := flags.String("only", "", "names of workloads, with commas; empty is all of them")
	page := flags.String("write", "", "page that gets the table, between its marks")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if s.workloads, err = choose(*only); err != nil {
		return err
	}
	results, err := s.measure(ctx)
	if err != nil {
		return err
	}
	text := machine(ctx) + "\n" + table(results, s.rounds)
	fmt.Print("\n", text)
	if *page != "" {
		err = replace(*page, text)
	}
	return errors.Join(err, overLimits(results))
}

func choose(names string) ([]workload, error) {
	if names == "" {
		return workloads, nil
	}
	var chosen []workload
	for name := range strings.SplitSeq(names, ",") {
		w, err := find(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, w)
	}
	return chosen, nil
}
