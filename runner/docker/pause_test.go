package docker

import (
	"bytes"
	"debug/elf"
	"testing"
)

// TestPauses reads the programs as a kernel does: one segment that cannot be
// written to, entered where the code begins.
func TestPauses(t *testing.T) {
	for name, p := range pauses {
		f, err := elf.NewFile(bytes.NewReader(program(p.machine, p.code)))
		if err != nil {
			t.Fatal(name, err)
		}
		if f.Machine != p.machine || f.Type != elf.ET_EXEC || len(f.Progs) != 1 {
			t.Errorf("%s: %v", name, f.FileHeader)
			continue
		}
		s := f.Progs[0]
		code := make([]byte, len(p.code))
		if _, err := s.ReadAt(code, int64(f.Entry-s.Vaddr)); err != nil || !bytes.Equal(code, p.code) {
			t.Errorf("%s is entered at % x, %v", name, code, err)
		}
		if s.Flags != elf.PF_R|elf.PF_X {
			t.Errorf("%s: segment is %v", name, s.Flags)
		}
	}
}
