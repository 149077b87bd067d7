package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
)

// pauseImage is made here, since no registry need be reachable. Another program
// in it would need another tag.
const pauseImage = "stagegate/pause:1"

// pauses do nothing for ever, as machine code by the engine's name of the
// machine: they wait for a signal, of which none wakes process 1 of a container.
var pauses = map[string]struct {
	machine elf.Machine
	code    []byte
}{
	"x86_64": {elf.EM_X86_64, []byte{
		0xb8, 34, 0, 0, 0, // mov eax, 34: pause
		0x0f, 0x05, // syscall
		0xeb, 0xf7, // jmp to the start
	}},
	"aarch64": {elf.EM_AARCH64, []byte{
		0x00, 0x00, 0x80, 0xd2, // mov x0, 0 and so on: ppoll of nothing, without a time
		0x01, 0x00, 0x80, 0xd2,
		0x02, 0x00, 0x80, 0xd2,
		0x03, 0x00, 0x80, 0xd2,
		0x04, 0x00, 0x80, 0xd2,
		0x28, 0x09, 0x80, 0xd2, // mov x8, 73
		0x01, 0x00, 0x00, 0xd4, // svc 0
		0xf9, 0xff, 0xff, 0x17, // b to the start
	}},
}

// program is a whole executable file of some machine code.
func program(machine elf.Machine, code []byte) []byte {
	const (
		base, page            = 0x400000, 0x10000
		headerSize, entrySize = 64, 56
	)
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Entry: base + headerSize + entrySize, Phoff: headerSize,
		Ehsize: headerSize, Phentsize: entrySize, Phnum: 1,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	h.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	size := uint64(headerSize + entrySize + len(code))
	p := elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X),
		Vaddr: base, Paddr: base, Filesz: size, Memsz: size, Align: page,
	}
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, h) // a Buffer takes everything
	_ = binary.Write(&b, binary.LittleEndian, p)
	b.Write(code)
	return b.Bytes()
}

// pause returns the id of the image that holds such a program, and makes it
// where the engine has none.
func (e *Engine) pause(ctx context.Context, machine string) (string, error) {
	found, err := e.api.ImageInspect(ctx, pauseImage)
	if err == nil || !cerrdefs.IsNotFound(err) {
		return found.ID, translate(ctx, err)
	}
	p, ok := pauses[machine]
	if !ok {
		return "", fmt.Errorf("nothing is known to run on %s", machine)
	}
	text := program(p.machine, p.code)
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "pause", Mode: 0o755, Size: int64(len(text))})
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", fmt.Errorf("make image %s: %w", pauseImage, err)
	}
	said, err := e.api.ImageImport(ctx, image.ImportSource{Source: &root, SourceName: "-"}, pauseImage, image.ImportOptions{
		Message: "keeps a network namespace for Stagegate",
	})
	if err != nil {
		return "", fmt.Errorf("make image %s: %w", pauseImage, translate(ctx, err))
	}
	_, _ = io.Copy(io.Discard, said)
	_ = said.Close()
	if found, err = e.api.ImageInspect(ctx, pauseImage); err != nil {
		return "", fmt.Errorf("make image %s: %w", pauseImage, translate(ctx, err))
	}
	return found.ID, nil
}
