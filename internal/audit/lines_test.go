package audit_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/audit"
)

// export writes rows as lines.
func export(t testing.TB, rows []audit.Row) string {
	t.Helper()
	var b bytes.Buffer
	for _, r := range rows {
		if err := audit.Write(&b, r); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// imported verifies an export.
func imported(text string) (audit.Head, error) {
	v := audit.NewVerifier(audit.Head{})
	if err := audit.Read(strings.NewReader(text), v.Next); err != nil {
		return audit.Head{}, err
	}
	return v.End()
}

func TestExport(t *testing.T) {
	rows := chain(9)
	rows[2].Event = `{"Comment":"\u003cb\u003e <i> \u2028 é \\ \"quoted\""}`
	rows[3].At = time.Time{}
	anew(rows, 2)
	text := export(t, rows)
	var back []audit.Row
	if err := audit.Read(strings.NewReader(text), func(r audit.Row) error { back = append(back, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, back); diff != "" {
		t.Error(diff)
	}
	if head, err := imported(text); err != nil || head.Number != 9 {
		t.Errorf("%v %v", head, err)
	}
	if head, err := imported(strings.TrimSuffix(text, "\n")); err != nil || head.Number != 9 {
		t.Errorf("without the last line's end: %v %v", head, err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"a word":         {`"actor":"bob"`, `"actor":"eve"`, "broken at row 1"},
		"a space":        {`"actor":"bob"`, `"actor": "bob"`, "line 1, row 1, is not as an export writes it"},
		"a second key":   {`"actor":"bob"`, `"actor":"eve","actor":"bob"`, "line 1, row 1, is not as an export writes it"},
		"another letter": {`"actor":"bob"`, `"Actor":"bob"`, "line 1, row 1, is not as an export writes it"},
		"an escape":      {`"actor":"bob"`, `"actor":"\u0062ob"`, "line 1, row 1, is not as an export writes it"},
		"a new key":      {`"actor":"bob"`, `"actor":"bob","x":1`, `line 1 is no row of an audit log: json: unknown field "x"`},
		"less than a ms": {`.001Z"`, `.0010001Z"`, "broken at row 2"},
		"the year 1970":  {`"0001-01-01T`, `"1970-01-01T`, "broken at row 4"},
		"another zone":   {`.001Z"`, `.001+00:00"`, "line 2, row 2, is not as an export writes it"},
		"half a line":    {`"hash":"` + rows[8].Hash + "\"}\n", "", "line 9 is no row of an audit log"},
		"an empty line":  {"\n", "\n\n", "line 2 is no row of an audit log"},
		"behind it":      {"}\n", "} {}\n", "line 1, row 1, is not as an export writes it"},
	} {
		if _, err := imported(strings.Replace(text, c.old, c.new, 1)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// FuzzRead reads whatever somebody hands in as an export: what holds is written again
// as it came.
func FuzzRead(f *testing.F) {
	f.Add([]byte(export(f, chain(3))))
	f.Add([]byte(`{"number":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var rows []audit.Row
		if err := audit.Read(bytes.NewReader(text), func(r audit.Row) error { rows = append(rows, r); return nil }); err != nil {
			return
		}
		came := strings.TrimSuffix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
		if again := export(t, rows); strings.TrimSuffix(again, "\n") != came {
			t.Errorf("read from %q:\n%s", text, again)
		}
	})
}
