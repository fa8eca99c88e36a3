package chunk_test

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"rackpost/store/chunk"
)

// seal gives body a checksum, so that what lies behind it is read too.
func seal(body []byte) []byte {
	sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
	return binary.LittleEndian.AppendUint32(body[:len(body):len(body)], sum)
}

func seeds(t testing.TB) (rows [][]byte) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.row")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden rows: %v", err)
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, b[:len(b)-4])
	}
	return rows
}

// read decodes a row in every way; what is read must be written and read again alike.
func read(t testing.TB, e *chunk.Encoder, d *chunk.Decoder, row []byte) {
	columns, err := d.Times(row)
	if err == nil && len(columns) > 0 {
		if _, err := e.Times(nil, columns...); err != nil {
			t.Fatalf("times read but not written: %v", err)
		}
	}
	if _, err := d.Sensor(row, "sensor"); err == nil {
		list, err := d.Component(row)
		if err != nil {
			t.Fatalf("one sensor can be read and all cannot: %v", err)
		}
		points := 0
		for i := range list {
			points += list[i].Len()
			for p := range list[i].All(0) {
				if p.Visit < 0 || p.Visit >= chunk.MaxVisits {
					t.Fatalf("visit %d", p.Visit)
				}
			}
		}
		if points > chunk.MaxPoints {
			t.Fatalf("%d points in a row", points)
		}
		again, err := e.Component(nil, chunk.MaxVisits, list)
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		if _, err := d.Component(again); err != nil {
			t.Fatalf("written and not read: %v", err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, row := range seeds(f) {
		f.Add(row)
	}
	e, d := codec(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		read(t, e, d, body)
		read(t, e, d, seal(body))
	})
}

// TestMutatedRows reads rows with a right checksum and wrong bytes.
func TestMutatedRows(t *testing.T) {
	t.Parallel()
	e, d := codec(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, row := range seeds(t) {
		for range 1500 {
			bad := append([]byte(nil), row...)
			for range 1 + rng.IntN(3) {
				bad[rng.IntN(len(bad))] = byte(rng.Uint32())
			}
			read(t, e, d, seal(bad[:len(bad)-rng.IntN(2)*rng.IntN(8)]))
		}
	}
}

// TestBombs reads small rows that claim to be large.
func TestBombs(t *testing.T) {
	t.Parallel()
	_, d := codec(t)
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	zeros := z.EncodeAll(make([]byte, 64<<20), nil)
	const version, component, packed = 1, 'C', 0x80
	huge := binary.AppendUvarint([]byte{version, component | packed}, 64<<20)
	lying := binary.AppendUvarint([]byte{version, component | packed}, 100)
	for name, row := range map[string][]byte{"declared": huge, "not declared": lying} {
		row = append(binary.AppendUvarint(row, uint64(len(zeros))), zeros...)
		if _, err := d.Component(seal(row)); err == nil {
			t.Errorf("64 MB of zeros, %s: no error", name)
		}
	}

	full := []byte{0x80, 0x20, 0, 1, 0x80, 0x20, 1, 0x80, 0x20, 0, 0} // 4096 visits; a shape with all of them
	for _, n := range []int{chunk.MaxPoints / chunk.MaxVisits, chunk.MaxPoints/chunk.MaxVisits + 1} {
		head := binary.AppendUvarint(full[:len(full):len(full)], uint64(n))
		for range n {
			head = append(head, 0, 1, 0, 0, 0, 0) // no name, a counter, shape 0, plain, width 0, from 0
		}
		row := append(binary.AppendUvarint([]byte{version, component}, uint64(len(head))), head...)
		_, err := d.Component(seal(row))
		if tooMany := n*chunk.MaxVisits > chunk.MaxPoints; tooMany != (err != nil) {
			t.Errorf("%d sensors of 4096 points: %v", n, err)
		}
	}
}
