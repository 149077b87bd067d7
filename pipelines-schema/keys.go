package schema

import (
	"fmt"
	"slices"
)

// where is a mapping of the language, by the words people are told.
type where string

const (
	inPipeline     where = "a pipeline"
	inOn           where = "on"
	inPush         where = "on.push"
	inPullRequest  where = "on.pull_request"
	inMergeGroup   where = "on.merge_group"
	inSchedule     where = "a schedule"
	inUpstream     where = "on.pipeline"
	inWebhook      where = "on.webhook"
	inVariable     where = "a variable"
	inStage        where = "a stage"
	inTarget       where = "the environment of a stage"
	inRule         where = "a rule"
	inTestsPass    where = "tests-pass"
	inWindow       where = "a window"
	inOnFailure    where = "on-failure"
	inVariableRule where = "a variable rule"
	inCommand      where = "a command rule"
	inRetry        where = "retry"
	inGroup        where = "a group of people"
	inSource       where = "source"
	inAction       where = "an action"
	inIsolation    where = "isolation"
	inService      where = "a service"
	inReports      where = "reports"
	inApproval     where = "an approval"
	inSettings     where = SettingsFile // and the one below are of a file of their own
	inEnvironment  where = "an environment"
	inField        where = "a field of a form"
)

// everywhere lists the mappings from the outside in.
var everywhere = []where{
	inPipeline, inOn, inPush, inPullRequest, inMergeGroup, inSchedule, inUpstream, inWebhook, inVariable, inStage, inTarget, inAction, inApproval,
	inIsolation, inService, inReports, inRetry, inRule, inTestsPass, inWindow, inVariableRule, inCommand, inOnFailure, inSource, inGroup, inField,
}

// table is what keys a mapping has: those that are carried out now, and those
// that are known and not supported yet.
type table struct {
	now, later []string
}

// tables are the one source of what keys a mapping has. What stands below a key
// that is not supported yet is not said to be so again.
var tables = map[where]table{
	inPipeline: {
		now: []string{"name", "on", "mode", "cancel-in-progress", "source", "variables", "stages"},
	},
	inOn: {
		now: []string{"push", "pull_request", "merge_group", "schedule", "pipeline", "webhook"},
	},
	inPush: {
		now: []string{"branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"},
	},
	inPullRequest: {
		now: []string{"branches", "branches-ignore", "types", "paths", "paths-ignore"},
	},
	inMergeGroup: {now: []string{"types"}},
	inSchedule:   {now: []string{"cron", "timezone"}},
	inUpstream:   {now: []string{"name", "stage"}},
	inWebhook:    {now: []string{"filter"}},
	inVariable:   {now: []string{"default", "description"}},
	inStage: {
		now: []string{"name", "actions", "environment", "if", "concurrency", "before-entry", "on-success", "on-failure", "finally"},
	},
	inTarget: {now: []string{"name", "url"}},
	inAction: {
		now: []string{
			"name", "needs", "image", "run", "shell", "env", "inputs", "artifacts", "timeout-minutes", "continue-on-error", "approval", "secrets",
			"if", "matrix", "fail-fast", "retry", "isolation",
		},
		later: []string{"services", "reports", "with"},
	},
	inApproval: {
		now: []string{
			"users", "teams", "permission", "code-owners", "count", "all-of", "any-of", "expires", "self-review", "reject-count", "instructions", "form",
			"environment",
		},
	},
	inGroup:        {now: []string{"users", "teams", "permission", "code-owners", "count"}},
	inField:        {now: []string{"type", "description", "required", "default", "options", "max-length", "pattern"}},
	inRule:         {now: append(slices.Clone(ruleKinds), "otherwise")},
	inTestsPass:    {now: []string{"stage", "minimum"}},
	inWindow:       {now: []string{"days", "hours", "timezone", "cron", "holidays"}},
	inVariableRule: {now: []string{"name", "operator", "value"}},
	inCommand:      {now: []string{"image", "run", "env", "inputs", "timeout-minutes"}},
	inOnFailure:    {now: []string{"retry", "times", "backoff", "rollback", "skip"}},
	inRetry:        {now: []string{"times", "backoff"}},
	inSource:       {now: []string{"clone", "submodules", "lfs"}},
	inIsolation:    {now: []string{"privileged", "network", "docker-socket", "volumes", "cap-add", "devices", "runtime"}},
	inService:      {now: []string{"image", "env", "ready", "ports"}},
	inSettings:     {now: []string{"environments"}},
	inEnvironment:  {now: []string{"branches", "tags", "pull-requests"}},
	inReports:      {now: []string{"junit"}},
}

// keysOf lists all keys of a mapping, those that are carried out first.
func keysOf(w where) []string {
	t := tables[w]
	return slices.Concat(t.now, t.later)
}

// each calls read for the keys that a mapping may have, in the author's order,
// and reports the others. A key that is not supported yet is reported and read
// all the same, so that the file is right on the day that it is. False means
// that n is not a mapping at all.
func (p *parser) each(n node, w where, read func(key, value node)) bool {
	if n.kind != mapping {
		return false
	}
	keys := tables[w]
	for _, pair := range n.pairs {
		switch {
		case slices.Contains(keys.now, pair.key.text):
			read(pair.key, pair.value)
		case slices.Contains(keys.later, pair.key.text):
			p.notYet(pair.key)
			read(pair.key, pair.value)
		default:
			p.refused[pair.key.at] = true
			p.unknownKey(pair.key, pair.value, w)
		}
	}
	return true
}

// notYet reports a key that is not supported yet.
func (p *parser) notYet(key node) {
	before := p.mistakes()
	p.report(key.at, "", "%s is not supported yet", key.text)
	p.laters += p.mistakes() - before
}

// unknownKey says the most helpful thing that is known about a key.
func (p *parser) unknownKey(key, value node, w where) {
	if p.full() {
		p.missed++
		return
	}
	if slices.Contains(tables[w].later, key.text) {
		p.report(key.at, "", "%s is not supported yet", key.text)
		return
	}
	message := fmt.Sprintf("%s has no key %s", w, quote(key.text))
	p.report(key.at, p.meantKey(key, value, w), "%s", message)
}

// meantKey is the hint for a key that a mapping has not.
func (p *parser) meantKey(key, value node, w where) string {
	ofPipeline := w != inSettings && w != inEnvironment
	if hint := foreignValue(w, key.text, value); hint != "" && ofPipeline {
		return hint
	}
	if hint := foreign(w, key.text); hint != "" && ofPipeline {
		return hint
	}
	if hint := DidYouMean(key.text, keysOf(w)); hint != "" {
		return hint
	}
	for _, other := range append(slices.Clone(everywhere), inSettings) {
		if other != inField && slices.Contains(keysOf(other), key.text) {
			return "it belongs in " + string(other)
		}
	}
	return "its keys are " + enumerate(keysOf(w))
}
