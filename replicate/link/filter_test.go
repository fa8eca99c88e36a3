package link

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// passes runs a filter as the kernel does.
func passes(t *testing.T, program []unix.SockFilter, frame []byte) bool {
	t.Helper()
	var accumulator uint32
	for pc := 0; pc < len(program); pc++ {
		switch in := program[pc]; in.Code {
		case unix.BPF_LD | unix.BPF_B | unix.BPF_ABS:
			if int(in.K) >= len(frame) {
				return false
			}
			accumulator = uint32(frame[in.K])
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			if int(in.K)+4 > len(frame) {
				return false
			}
			accumulator = binary.BigEndian.Uint32(frame[in.K:])
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			if accumulator == in.K {
				pc += int(in.Jt)
			} else {
				pc += int(in.Jf)
			}
		case unix.BPF_RET | unix.BPF_K:
			return in.K > 0
		default:
			t.Fatalf("the filter has an instruction that is not known here: %+v", in)
		}
	}
	t.Fatal("the filter does not end")
	return false
}
