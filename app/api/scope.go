package api

import (
	"slices"
	"strings"
)

// Scope is what a token may be used for. A token never allows more than its person may.
type Scope string

// The scopes. Every token has Read.
const (
	Read    Scope = "read"    // see pipelines, executions, logs, artifacts, closed ways
	Approve Scope = "approve" // answer approvals, override rules
	Run     Scope = "run"     // start, retry, stop, roll back, close and open ways
	Admin   Scope = "admin"   // what takes an administrator: secrets, keys, runners, the audit log
)

// Scopes are all of them.
func Scopes() []Scope { return []Scope{Read, Approve, Run, Admin} }

// lacking refuses a visitor whose token lacks a scope.
func (v Visitor) lacking(s Scope) error {
	if slices.Contains(v.Scopes, s) {
		return nil
	}
	var has []string
	for _, h := range v.Scopes {
		has = append(has, string(h))
	}
	return refuse(Forbidden, "the token has not the scope %s that this takes, only %s: make one that has it", s, strings.Join(has, ", "))
}
