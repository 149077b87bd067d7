package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// yamlFiles lets a shell complete the names of files.
var yamlFiles = []string{"yaml", "yml"}

// completePipeline offers the pipelines of the working tree, or files where a
// path is begun.
func completePipeline(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(args) > 0:
		return nil, cobra.ShellCompDirectiveNoFileComp
	case strings.ContainsRune(begun, '/'):
		return yamlFiles, cobra.ShellCompDirectiveFilterFileExt
	}
	var offers []string
	for _, d := range pipelines() {
		offers = append(offers, d.Name+"\t"+d.File)
	}
	return offers, cobra.ShellCompDirectiveNoFileComp
}

// completeFiles offers pipeline files, as validate takes them.
func completeFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return yamlFiles, cobra.ShellCompDirectiveFilterFileExt
}

// offer makes a completion of what each of the pipelines that may be meant has to
// offer.
func offer(of func(pipeline.Definition) []string, d cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var offers []string
		for _, p := range pipelines() {
			if len(args) == 0 || args[0] == p.Name || strings.HasSuffix(p.File, args[0]) {
				offers = append(offers, of(p)...)
			}
		}
		slices.Sort(offers)
		return slices.Compact(offers), d | cobra.ShellCompDirectiveNoFileComp
	}
}

// completeFlag offers values of a flag. Without the flag there is nothing to
// complete, which the test shows.
func completeFlag(cmd *cobra.Command, flag string, values cobra.CompletionFunc) {
	_ = cmd.RegisterFlagCompletionFunc(flag, values)
}

// either offers some words.
func either(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

func stagesOf(p pipeline.Definition) []string {
	var names []string
	for _, s := range p.Stages {
		names = append(names, s.Name)
	}
	return names
}

func variablesOf(p pipeline.Definition) []string {
	var names []string
	for _, v := range p.Variables {
		names = append(names, v.Name+"=")
	}
	return names
}

// pipelines are those of the working tree. Who completes a word is told of no
// error.
func pipelines() []pipeline.Definition {
	dir, err := os.Getwd()
	if err != nil {
		return nil
	}
	found, err := local.Pipelines(dir)
	if err != nil {
		return nil
	}
	return found
}
