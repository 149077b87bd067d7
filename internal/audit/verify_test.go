package audit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stagegate/stagegate/internal/audit"
)

// chain makes a log of n rows.
func chain(n int) []audit.Row {
	rows := make([]audit.Row, 0, n)
	last := audit.Begin
	for i := range n {
		r := audit.Row{
			Number: int64(i + 1), At: time.UnixMilli(1700000000000 + int64(i)).UTC(), Repository: 42, Execution: fmt.Sprint(i),
			Kind: "decided", Actor: "bob", Door: "comment", Event: `{"Approved":true}`,
		}
		r.Hash = r.Follow(last)
		last = r.Hash
		rows = append(rows, r)
	}
	return rows
}

// anew makes the hashes of the rows from an index on fit again, as a forger would.
func anew(rows []audit.Row, from int) []audit.Row {
	last := audit.Begin
	for i := range rows {
		if i >= from {
			rows[i].Number = int64(i + 1)
			rows[i].Hash = rows[i].Follow(last)
		}
		last = rows[i].Hash
	}
	return rows
}

func verify(rows []audit.Row, kept audit.Head) (audit.Head, error) {
	v := audit.NewVerifier(kept)
	for _, r := range rows {
		if err := v.Next(r); err != nil {
			return audit.Head{}, err
		}
	}
	return v.End()
}

// TestTampering changes a log of ten rows in every way, and asks for the first row that
// shows it: without a head, and with one that was kept. Zero: it does not show.
func TestTampering(t *testing.T) {
	change := func(do func(*audit.Row)) func([]audit.Row) []audit.Row {
		return func(rows []audit.Row) []audit.Row { do(&rows[4]); return rows }
	}
	for name, c := range map[string]struct {
		tamper        func([]audit.Row) []audit.Row
		alone, headed int64
	}{
		"nothing":            {func(rows []audit.Row) []audit.Row { return rows }, 0, 0},
		"time":               {change(func(r *audit.Row) { r.At = r.At.Add(time.Millisecond) }), 5, 5},
		"repository":         {change(func(r *audit.Row) { r.Repository++ }), 5, 5},
		"execution":          {change(func(r *audit.Row) { r.Execution += "1" }), 5, 5},
		"kind":               {change(func(r *audit.Row) { r.Kind = "refused" }), 5, 5},
		"actor":              {change(func(r *audit.Row) { r.Actor = "eve" }), 5, 5},
		"door":               {change(func(r *audit.Row) { r.Door = "api" }), 5, 5},
		"event":              {change(func(r *audit.Row) { r.Event = `{"Approved": true}` }), 5, 5},
		"hash":               {change(func(r *audit.Row) { r.Hash = audit.Begin }), 5, 5},
		"text moves over":    {change(func(r *audit.Row) { r.Kind, r.Actor = "decidedb", "ob" }), 5, 5},
		"number":             {change(func(r *audit.Row) { r.Number = 50 }), 5, 5},
		"removed":            {func(rows []audit.Row) []audit.Row { return slices.Delete(rows, 4, 5) }, 5, 5},
		"first removed":      {func(rows []audit.Row) []audit.Row { return rows[1:] }, 1, 1},
		"all removed":        {func([]audit.Row) []audit.Row { return nil }, 0, 1},
		"inserted":           {func(rows []audit.Row) []audit.Row { return slices.Insert(rows, 4, rows[4]) }, 5, 5},
		"reordered":          {func(rows []audit.Row) []audit.Row { rows[4], rows[5] = rows[5], rows[4]; return rows }, 5, 5},
		"contents reordered": {func(rows []audit.Row) []audit.Row { rows[4].Execution, rows[5].Execution = "5", "4"; return rows }, 5, 5},
		"end removed":        {func(rows []audit.Row) []audit.Row { return rows[:8] }, 0, 9},
		"row made anew": {func(rows []audit.Row) []audit.Row {
			rows[4].Actor = "eve"
			rows[4].Hash = rows[4].Follow(rows[3].Hash)
			return rows
		}, 6, 6},
		"all made anew":           {func(rows []audit.Row) []audit.Row { rows[4].Actor = "eve"; return anew(rows, 4) }, 0, 10},
		"removed, all made anew":  {func(rows []audit.Row) []audit.Row { return anew(slices.Delete(rows, 4, 5), 4) }, 0, 10},
		"inserted, all made anew": {func(rows []audit.Row) []audit.Row { return anew(slices.Insert(rows, 4, rows[4]), 4) }, 0, 10},
		"more rows":               {func([]audit.Row) []audit.Row { return chain(12) }, 0, 0},
	} {
		rows := chain(10)
		head := audit.Head{Number: 10, Hash: rows[9].Hash}
		rows = c.tamper(rows)
		for kept, want := range map[audit.Head]int64{{}: c.alone, head: c.headed} {
			_, err := verify(rows, kept)
			var broken audit.Broken
			if errors.As(err, &broken) != (want != 0) || broken.Number != want {
				t.Errorf("%s, head %v: %v; want row %d", name, kept, err, want)
			}
		}
		_, err := verify(rows, audit.Head{Hash: head.Hash}) // without its number
		if (err == nil) != (c.headed == 0) {
			t.Errorf("%s, the head's hash alone: %v", name, err)
		}
	}
}

// TestEveryChangeShows changes one thing of a log by chance.
func TestEveryChangeShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := chain(rapid.IntRange(1, 20).Draw(t, "rows"))
		head, err := verify(rows, audit.Head{})
		if err != nil {
			t.Fatal(err)
		}
		i := rapid.IntRange(0, len(rows)-1).Draw(t, "row")
		was := rows[i]
		text := rapid.String()
		rows[i] = audit.Row{
			Number: was.Number, At: was.At.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "later")) * time.Millisecond),
			Repository: rapid.Int64Range(41, 43).Draw(t, "repository"), Execution: text.Draw(t, "execution"), Kind: text.Draw(t, "kind"),
			Actor: text.Draw(t, "actor"), Door: text.Draw(t, "door"), Event: text.Draw(t, "event"), Hash: was.Hash,
		}
		var broken audit.Broken
		if _, err := verify(rows, audit.Head{}); rows[i] != was && (!errors.As(err, &broken) || broken.Number != was.Number) {
			t.Fatalf("%+v in place of %+v: %v", rows[i], was, err)
		}
		if _, err := verify(anew(rows, i), head); rows[i] != was && err == nil {
			t.Fatalf("made anew it holds: %+v in place of %+v", rows[i], was)
		}
	})
}

func TestParseHead(t *testing.T) {
	hash := strings.Repeat("0f", 32)
	for text, want := range map[string]audit.Head{
		"12:" + hash:                       {Number: 12, Hash: hash},
		" 12:" + strings.ToUpper(hash):     {Number: 12, Hash: hash},
		hash + "\n":                        {Hash: hash},
		"":                                 {},
		"12:":                              {},
		"12:" + hash[1:]:                   {},
		"x:" + hash:                        {},
		"-1:" + hash:                       {},
		hash + "00":                        {},
		strings.Replace(hash, "0", "x", 1): {},
	} {
		got, err := audit.ParseHead(text)
		if got != want || (err == nil) != (want.Hash != "") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if h, err := audit.ParseHead(audit.Head{Number: 3, Hash: hash}.String()); err != nil || h.Number != 3 {
		t.Errorf("what is printed is not read: %v, %v", h, err)
	}
}
