package pipeline_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// asking is an execution whose sign-off waits, as the approval says.
func asking(t *testing.T, a pipeline.Approval) pipeline.Execution {
	t.Helper()
	x := release()
	a.Expires = 72 * 60 * minutes
	x.Definition.Stages[1].Actions[0].Approval = &a
	x, _ = run(t, x, toSignOff()...)
	return x
}

const minutes = 60 * 1e9

func vote(actor string, meets ...string) pipeline.Decided {
	return pipeline.Decided{At: at(10), Job: id("production", "sign-off", 1), Actor: actor, Door: "comment", Approved: true, Meets: meets}
}

func no(actor string, meets ...string) pipeline.Decided {
	d := vote(actor, meets...)
	d.Approved = false
	return d
}

func signOffOf(x pipeline.Execution) pipeline.ActionState { return x.Stages[1].Actions[0] }

// TestQuorum gives votes one after the other and says how the approval stands then.
func TestQuorum(t *testing.T) {
	two := pipeline.Approval{Count: 2}
	both := pipeline.Approval{AllOf: []pipeline.Group{{Teams: []string{"security"}}, {Teams: []string{"release"}, Count: 2}}}
	either := pipeline.Approval{AnyOf: both.AllOf}
	owners := pipeline.Approval{CodeOwners: true}
	api, web := pipeline.Owned{Owners: []string{"octo/api", "Ann"}}, pipeline.Owned{Owners: []string{"octo/web"}}
	owned := func(actor string, meets ...string) pipeline.Decided {
		d := vote(actor, meets...)
		d.Owned = []pipeline.Owned{api, web}
		return d
	}
	without := func(d pipeline.Decided, gone string, meets ...string) pipeline.Decided {
		d.Voters = []pipeline.Voter{{Actor: gone, Meets: meets, Reason: "no longer in the team"}}
		return d
	}
	for _, tc := range []struct {
		name  string
		def   pipeline.Approval
		votes []pipeline.Event
		want  pipeline.Status
	}{
		{"one is enough", pipeline.Approval{}, []pipeline.Event{vote("ann", "1")}, pipeline.Succeeded},
		{"one of two", two, []pipeline.Event{vote("ann", "1")}, pipeline.Waiting},
		{"two of two", two, []pipeline.Event{vote("ann", "1"), vote("bob", "1")}, pipeline.Succeeded},
		{"a removed member", two, []pipeline.Event{vote("ann", "1"), without(vote("bob", "1"), "ANN")}, pipeline.Waiting},
		{"a removed member, and a third", two, []pipeline.Event{vote("ann", "1"), without(vote("bob", "1"), "ann"), vote("cy", "1")}, pipeline.Succeeded},
		{"a member who came back", two, []pipeline.Event{vote("ann", "1"), without(vote("bob", "1"), "ann"), vote("ann", "1")}, pipeline.Succeeded},
		{"all: one in both groups", both, []pipeline.Event{vote("ann", "1", "2")}, pipeline.Waiting},
		{"all: one in both groups and another", both, []pipeline.Event{vote("ann", "1", "2"), vote("bob", "2")}, pipeline.Succeeded},
		{"all: without the first group", both, []pipeline.Event{vote("bob", "2"), vote("cy", "2"), vote("dan", "2")}, pipeline.Waiting},
		{"any: the first group", either, []pipeline.Event{vote("ann", "1")}, pipeline.Succeeded},
		{"any: half of the second", either, []pipeline.Event{vote("bob", "2")}, pipeline.Waiting},
		{"any: the second group", either, []pipeline.Event{vote("bob", "2"), vote("cy", "2")}, pipeline.Succeeded},
		{"owners of some", owners, []pipeline.Event{owned("ann", "1", api.Name())}, pipeline.Waiting},
		{"owners of all", owners, []pipeline.Event{owned("ann", "1", api.Name()), owned("bob", "1", web.Name())}, pipeline.Succeeded},
		{"owner of all", owners, []pipeline.Event{owned("ann", "1", api.Name(), web.Name())}, pipeline.Succeeded},
		{"one rejects", two, []pipeline.Event{vote("ann", "1"), no("bob", "1")}, pipeline.Rejected},
		{"one of two rejects", pipeline.Approval{RejectCount: 2}, []pipeline.Event{no("bob", "1")}, pipeline.Waiting},
		{"two of two reject", pipeline.Approval{RejectCount: 2}, []pipeline.Event{no("bob", "1"), no("cy", "1")}, pipeline.Rejected},
		{"a rejection in place of an approval", two, []pipeline.Event{vote("ann", "1"), no("Ann", "1")}, pipeline.Rejected},
		{"a vote that is taken back", two, []pipeline.Event{
			vote("ann", "1"), pipeline.Withdrawn{At: at(11), Job: id("production", "sign-off", 1), Actor: "Ann", Door: "comment"}, vote("bob", "1"),
		}, pipeline.Waiting},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x, _ := run(t, asking(t, tc.def), tc.votes...)
			if got := signOffOf(x); got.Status != tc.want {
				t.Errorf("%s with votes %+v, want %s", got.Status, got.Votes, tc.want)
			}
		})
	}
}

// TestVotesRefused gives votes that nobody has.
func TestVotesRefused(t *testing.T) {
	form := pipeline.Approval{Count: 2, Form: []pipeline.Field{{Name: "VERSION", Required: true}}}
	filled := func(actor, value string) pipeline.Decided {
		d := vote(actor, "1")
		d.Values = []pipeline.Value{{Name: "version", Value: value}}
		return d
	}
	late := vote("ann", "1")
	late.At = at(80 * 60)
	for _, tc := range []struct {
		name   string
		def    pipeline.Approval
		before []pipeline.Event
		vote   pipeline.Event
		says   string
	}{
		{"nobody", pipeline.Approval{}, nil, vote("ann"), "nobody whom this approval asks"},
		{"for what is not asked", pipeline.Approval{}, nil, vote("ann", "2", "owners x"), "nobody whom this approval asks"},
		{"no name", pipeline.Approval{}, nil, vote("", "1"), "nobody whom this approval asks"},
		{"twice", pipeline.Approval{Count: 2}, []pipeline.Event{vote("ann", "1")}, vote("ann", "1"), "ann has approved already"},
		{"twice, in capitals", pipeline.Approval{Count: 2}, []pipeline.Event{vote("ann", "1")}, vote("ANN", "1"), "ann has approved already"},
		{"twice no", pipeline.Approval{RejectCount: 2}, []pipeline.Event{no("ann", "1")}, no("Ann", "1"), "ann has rejected already"},
		{"yes after no", pipeline.Approval{RejectCount: 2}, []pipeline.Event{no("ann", "1")}, vote("ann", "1"), "ann has rejected already"},
		{"after the end", pipeline.Approval{}, []pipeline.Event{vote("ann", "1")}, no("bob", "1"), "not waiting for an approval"},
		{"too late", pipeline.Approval{}, nil, late, "has expired"},
		{"an empty form", form, nil, vote("ann", "1"), "VERSION must be filled in"},
		{"other values than before", form, []pipeline.Event{filled("ann", "1.2")}, filled("bob", "1.3"), `VERSION is "1.2" for those who approved before`},
		{"taking back what nobody gave", form, nil, pipeline.Withdrawn{At: at(11), Job: id("production", "sign-off", 1), Actor: "ann", Door: "review"}, "no vote by review"},
		{
			"taking back by another door", form,
			[]pipeline.Event{filled("ann", "1")},
			pipeline.Withdrawn{At: at(11), Job: id("production", "sign-off", 1), Actor: "ann", Door: "review"},
			"no vote by review",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x, _ := run(t, asking(t, tc.def), tc.before...)
			after, _, err := x.Apply(tc.vote)
			if !errors.Is(err, pipeline.ErrRefused) || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("%v, want %q", err, tc.says)
			}
			if strings.Contains(tc.says, "already") != errors.Is(err, pipeline.ErrAlready) {
				t.Errorf("%v is ErrAlready: %v", err, errors.Is(err, pipeline.ErrAlready))
			}
			if d := cmp.Diff(x, after); d != "" {
				t.Errorf("a refused vote changed the state:\n%s", d)
			}
		})
	}
}

// TestForm hands what was filled in on as outputs, the same of all who approved.
func TestForm(t *testing.T) {
	def := pipeline.Approval{Count: 2, Form: []pipeline.Field{{Name: "VERSION", Required: true}, {Name: "NOTE"}, {Name: "REGION", Default: "eu"}}}
	first := vote("ann", "1")
	first.Values = []pipeline.Value{{Name: "version", Value: "${{ source.commit }}"}}
	x, _ := run(t, asking(t, def), first, vote("bob", "1"))
	want := []pipeline.Value{{Name: "VERSION", Value: "${{ source.commit }}"}, {Name: "NOTE"}, {Name: "REGION", Value: "eu"}}
	a := signOffOf(x)
	if d := cmp.Diff(want, a.Outputs); d != "" {
		t.Error(d)
	}
	if a.Decision == nil || a.Decision.Actor != "bob" || len(a.Votes) != 2 || !cmp.Equal(want, a.Votes[1].Values) || a.Reason != "approved by ann, bob" {
		t.Errorf("decision %+v, votes %+v, reason %q", a.Decision, a.Votes, a.Reason)
	}
}

// TestFields checks one value against one field.
func TestFields(t *testing.T) {
	text := pipeline.Field{Name: "V"}
	for _, tc := range []struct {
		field pipeline.Field
		value string
		says  string // "": it is right
	}{
		{text, "1.2 `$(x)` ${{ y }} 'é'", ""},
		{text, "a\nb", "one line"},
		{text, "a\x1b[31m", "one line"},
		{text, "a\u202eb", "one line"},
		{text, "a\xff", "one line"},
		{text, strings.Repeat("é", 1000), ""},
		{text, strings.Repeat("x", 10<<10), "at most 1000 characters"},
		{pipeline.Field{Name: "V", MaxLength: 3}, "abcd", "at most 3 characters"},
		{pipeline.Field{Name: "V", Pattern: `v\d+|w`}, "v1", ""},
		{pipeline.Field{Name: "V", Pattern: `v\d+|w`}, "v1;rm", "must match"},
		{pipeline.Field{Name: "V", Type: pipeline.Number}, "-0.5", ""},
		{pipeline.Field{Name: "V", Type: pipeline.Number}, "1e9", "a number"},
		{pipeline.Field{Name: "V", Type: pipeline.Number}, "NaN", "a number"},
		{pipeline.Field{Name: "V", Type: pipeline.Number}, "1\n", "a number"},
		{pipeline.Field{Name: "V", Type: pipeline.Boolean}, "true", ""},
		{pipeline.Field{Name: "V", Type: pipeline.Boolean}, "yes", "true or false"},
		{pipeline.Field{Name: "V", Type: pipeline.Choice, Options: []string{"a", "b"}}, "b", ""},
		{pipeline.Field{Name: "V", Type: pipeline.Choice, Options: []string{"a", "b"}}, "c", "one of a, b"},
	} {
		a := pipeline.Approval{Form: []pipeline.Field{tc.field}}
		_, err := a.Fill([]pipeline.Value{{Name: "v", Value: tc.value}}, nil)
		if tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("%.40q as %+v: %v, want %q", tc.value, tc.field, err, tc.says)
		}
	}
	for _, given := range [][]pipeline.Value{{{Name: "W", Value: "1"}}, {{Name: "V"}, {Name: "v"}}} {
		if _, err := (pipeline.Approval{Form: []pipeline.Field{text}}).Fill(given, nil); err == nil {
			t.Errorf("%v is filled in", given)
		}
	}
}
