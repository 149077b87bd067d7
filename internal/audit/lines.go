package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Write writes a row as one line of JSON, as an export has it.
func Write(w io.Writer, r Row) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// mostLine is far more than any row takes.
const mostLine = 16 << 20

// Read hands out the rows of an export. A line that Write would not have written so is
// a mistake, even where it means the same. An error of each ends it.
func Read(from io.Reader, each func(Row) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, mostLine)
	var again bytes.Buffer
	for n := 1; lines.Scan(); n++ {
		var r Row
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			return fmt.Errorf("line %d is no row of an audit log: %w", n, err)
		}
		again.Reset()
		if err := Write(&again, r); err != nil {
			return fmt.Errorf("line %d is no row of an audit log: %w", n, err)
		}
		if !bytes.Equal(bytes.TrimSuffix(again.Bytes(), []byte("\n")), lines.Bytes()) {
			return fmt.Errorf("line %d, row %d, is not as an export writes it: it was changed", n, r.Number)
		}
		if err := each(r); err != nil {
			return err
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return errors.New("a line is longer than any row: this is no export of an audit log")
	} else if err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	return nil
}
