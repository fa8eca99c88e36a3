package wire_test

import (
	"bytes"
	"testing"
	"unicode"

	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
)

// asciiTable is what the other side may say of itself.
var asciiTable = unicode.RangeTable{R16: []unicode.Range16{{Lo: ' ', Hi: '~', Stride: 1}}, LatinOffset: 1}

func FuzzHello(f *testing.F) {
	f.Add(wire.AppendHello(wire.Hello{Hello: mode.Hello{Life: "0123456789abcdef"}, Version: "v1.2.3"}))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := wire.ParseHello(b)
		if err != nil {
			return
		}
		if again := wire.AppendHello(h); !bytes.HasPrefix(normal(b), again) {
			t.Errorf("%x is read as %+v and written as %x", b, h, again)
		}
	})
}

// normal clears the bits of a hello that this version gives no meaning.
func normal(b []byte) []byte {
	b = bytes.Clone(b)
	b[59] &= 3
	return b
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte("\x00\x03abc"))
	f.Add([]byte("\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := wire.ReadFrame(bytes.NewReader(b))
		if err == nil && (len(got) == 0 || len(got) > 1024 || !bytes.HasPrefix(b[2:], got)) {
			t.Errorf("%x is read as %x", b, got)
		}
	})
}

func FuzzPing(f *testing.F) {
	f.Add(wire.PingFrame(mode.Hello{Term: 7, Applied: 1 << 40, Authority: true}, 300, 299))
	f.Add([]byte{3, 0, 0, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, a, frame, err := wire.ReadPing(bytes.NewReader(b))
		if err != nil {
			return
		}
		h2, n2, a2, _, err := wire.ReadPing(bytes.NewReader(frame))
		if err != nil || h2 != h || n2 != n || a2 != a {
			t.Errorf("%x is read as %+v, %d, %d and, written and read again, as %+v, %d, %d: %v", b, h, n, a, h2, n2, a2, err)
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte("\x04node\x00\x00\x00\x02hi"))
	f.Add([]byte("\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		method, body, err := wire.ReadRequest(bytes.NewReader(b), 64)
		if err == nil && (len(method) > 64 || len(body) > 64) {
			t.Errorf("%x is read as %q and %d bytes", b, method, len(body))
		}
	})
}
