package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"rackpost/replicate/mode"
)

// Hello is what both sides say before the first byte of anything else.
type Hello struct {
	mode.Hello
	Cluster   [16]byte
	Protocols Protocols
	Feature   uint32
	Version   string // of the program
}

const (
	helloFormat = 1
	helloFixed  = 1 + 16 + 16 + 1 + 2 + 2 + 4 + 8 + 8 + 1 + 1 + 8 + 8 + 8 + 8
	mostHello   = 1024 // bytes of a hello or a verdict, its length not counted
	mostLife    = 32
	mostWords   = 400
)

// The flags of a hello.
const (
	helloAuthority = 1 << iota
	helloIsolated
	helloFull
	helloRested
)

var errHello = errors.New("what was sent is no hello of rackpost")

// append adds the hello to b, without its length. What a later program adds comes at the end, so
// that this one can read the rest and say why it refuses.
func (h Hello) append(b []byte) []byte {
	b = append(b, helloFormat)
	b = append(b, h.Cluster[:]...)
	b = append(b, h.Node[:]...)
	b = append(b, byte(h.Role))
	b = binary.BigEndian.AppendUint16(b, h.Protocols.Oldest)
	b = binary.BigEndian.AppendUint16(b, h.Protocols.Newest)
	b = binary.BigEndian.AppendUint32(b, h.Feature)
	b = binary.BigEndian.AppendUint64(b, h.Generation.Counter)
	b = binary.BigEndian.AppendUint64(b, h.Generation.Random)
	b = append(b, byte(h.Mode), flag(h.Authority)*helloAuthority|flag(h.Isolated)*helloIsolated|flag(h.Full)*helloFull|flag(h.Rested)*helloRested)
	b = binary.BigEndian.AppendUint64(b, h.Term)
	b = binary.BigEndian.AppendUint64(b, h.Applied)
	b = binary.BigEndian.AppendUint64(b, h.Last)
	b = binary.BigEndian.AppendUint64(b, h.Boot)
	b = appendText(b, h.Life, mostLife)
	return appendText(b, h.Version, mostVersion)
}

func parseHello(b []byte) (Hello, error) {
	var h Hello
	if len(b) < helloFixed || b[0] != helloFormat {
		return h, errHello
	}
	copy(h.Cluster[:], b[1:])
	copy(h.Node[:], b[17:])
	h.Role = mode.Role(b[33])
	h.Protocols = Protocols{binary.BigEndian.Uint16(b[34:]), binary.BigEndian.Uint16(b[36:])}
	h.Feature = binary.BigEndian.Uint32(b[38:])
	h.Generation = mode.Generation{Counter: binary.BigEndian.Uint64(b[42:]), Random: binary.BigEndian.Uint64(b[50:])}
	h.Mode, h.Authority, h.Isolated, h.Full = mode.Mode(b[58]), b[59]&helloAuthority != 0, b[59]&helloIsolated != 0, b[59]&helloFull != 0
	h.Rested = b[59]&helloRested != 0
	h.Term = binary.BigEndian.Uint64(b[60:])
	h.Applied = binary.BigEndian.Uint64(b[68:])
	h.Last = binary.BigEndian.Uint64(b[76:])
	h.Boot = binary.BigEndian.Uint64(b[84:])
	var err error
	b = b[helloFixed:]
	if h.Life, b, err = cutText(b, mostLife); err != nil {
		return Hello{}, err
	}
	h.Version, _, err = cutText(b, mostVersion)
	if err != nil {
		return Hello{}, err
	}
	return h, nil
}

// same says whether two hellos differ in no more than how far the member is.
func same(a, b mode.Hello) bool {
	a.Term, a.Applied, a.Last = b.Term, b.Applied, b.Last
	return a == b
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

func appendText(b []byte, s string, most int) []byte {
	s = s[:min(len(s), most)]
	return append(append(b, byte(len(s))), s...)
}

// cutText takes a text off b. Text of the other side is printed, so it is plain ASCII.
func cutText(b []byte, most int) (string, []byte, error) {
	if len(b) == 0 || int(b[0]) > most || len(b) < 1+int(b[0]) {
		return "", nil, errHello
	}
	text, rest := b[1:1+b[0]], b[1+b[0]:]
	for _, c := range text {
		if c < ' ' || c > '~' {
			return "", nil, errHello
		}
	}
	return string(text), rest, nil
}

// verdict is what one side thinks of the other's hello.
type verdict struct {
	reason Reason
	words  string
}

func (v verdict) append(b []byte) []byte {
	return append(append(b, byte(v.reason)), clean(v.words)...)
}

func parseVerdict(b []byte) (verdict, error) {
	if len(b) == 0 {
		return verdict{}, errHello
	}
	return verdict{Reason(b[0]), clean(string(b[1:]))}, nil
}

// clean makes words of the other side fit to be shown.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if len(s) > mostWords {
		s = strings.ToValidUTF8(s[:mostWords], "")
	}
	return s
}

// writeFrame writes what a hello or a verdict is, after its length, in one piece.
func writeFrame(w io.Writer, bodies ...[]byte) error {
	var b []byte
	for _, body := range bodies {
		b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
		b = append(b, body...)
	}
	_, err := w.Write(b)
	return err
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint16(size[:])
	if n == 0 || n > mostHello {
		return nil, fmt.Errorf("%w: it says that it has %d bytes", errHello, n)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}
