package journal_test

import (
	"bytes"
	"testing"

	"rackpost/hw/journal"
)

// later is a batch of format 2, written by the book: something extra in the envelope, modes
// and clock states of the future, and a body that only stream 1 still shares with format 1.
func later(name string, stream journal.Stream, codec byte) golden {
	b := bookBatch{format: 2, codec: codec, header: goldenHeader(stream, 12, 4), extra: bookText(1, "signature"), raw: 1 << 20,
		stored: []byte("in a codec yet to be made")}
	b.header.Mode, b.header.Clock = 17, 18
	if stream == journal.Facts {
		b.stored = laterFacts()
		b.raw = len(b.stored)
	}
	show := func(w *text, raw []byte) error { return w.batch(new(journal.Compressor), raw) }
	return golden{name: name, made: b.bytes(), exact: true, show: show}
}

// laterBatch is a batch of facts of a later program in format 1.
func laterBatch(name string, body []byte) golden {
	b := bookBatch{format: 1, header: goldenHeader(journal.Facts, 13, 5), raw: len(body), stored: body}
	show := func(w *text, raw []byte) error { return w.batch(new(journal.Compressor), raw) }
	return golden{name: name, made: b.bytes(), exact: true, show: show}
}

// laterActs has acts and learned texts with phases and fields this version does not know, known
// fields in another wire, one of another version, and one that cannot be read.
func laterActs() []byte {
	fact := func(body []byte, kind, version uint64, group string, value ...[]byte) []byte {
		return bookRecord(body, 2, bookUint(1, kind), bookUint(2, version), bookText(3, "srv-1"), bookText(4, "system"), bookText(5, group),
			bookText(8, bytes.Join(value, nil)))
	}
	body := fact(nil, 6, 1, "locate", bookUint(1, 257), bookUint(2, 1), bookText(3, "who"), bookText(9, "seen by a camera"))
	body = fact(body, 6, 1, "blink", bookText(1, "done"), bookUint(2, 2), bookInt(4, goldenWall), bookUint(5, 7))
	body = fact(body, 6, 2, "locate", bookUint(1, 2))
	body = fact(body, 6, 1, "locate", bookText(8, []byte{9, 'a'}))
	return fact(body, 7, 1, "certificate", bookText(1, "pin"), bookUint(2, 1))
}

// laterFacts has a record of an unknown type, unknown fields in known records, known fields in
// another wire, and a fact of an unknown kind.
func laterFacts() []byte {
	body := bookRecord(nil, 77, bookUint(1, 1))
	body = bookRecord(body, 2, bookUint(1, 1), bookUint(2, 1), bookText(3, "sw-1"), bookText(4, "fan/1"), bookText(5, "environment"), bookInt(7, -250),
		bookText(8, append(bookUint(1, 2), bookText(99, "more")...)), bookText(1<<28, "added"))
	body = bookRecord(body, 2, bookUint(1, 300), bookUint(2, 4), bookText(6, "in bytes now"), bookText(8, "opaque"))
	return bookRecord(body, 6, bookText(1, goldenSite[:]), bookText(2, goldenOrigin[:]), bookText(3, []byte{0, 0, 0, 0, 0, 0, 0, 9}), bookUint(4, 2),
		bookUint(5, 1), bookUint(6, 8), bookUint(9, 1))
}

// TestBook: what the package writes is what docs/journal.md says, by a writer of its own.
func TestBook(t *testing.T) {
	t.Parallel()
	for name, raw := range goldenBatches(t, journal.NewPlainCompressor()) {
		b, err := journal.ParseBatch(raw)
		if err != nil {
			t.Fatal(err)
		}
		body, err := new(journal.Compressor).Body(&b)
		if err != nil {
			t.Fatal(err)
		}
		if want := (bookBatch{format: 1, header: b.Header, raw: len(body), stored: body}).bytes(); !bytes.Equal(want, raw) {
			t.Errorf("%s: by the book\n%x\nwritten\n%x", name, want, raw)
		}
	}
	tomb := goldenTombstones()[1]
	want := bookRecord(nil, 6, bookText(1, goldenSite[:]), bookText(2, goldenOrigin[:]), bookText(3, []byte{0, 0, 0, 0, 0, 0, 0, 0xff}), bookUint(4, 2),
		bookUint(5, 3), bookUint(6, 1<<40), bookUint(7, 1))
	if got := journal.AppendTombstone(nil, tomb); !bytes.Equal(got, want) {
		t.Errorf("tombstone %x, by the book %x", got, want)
	}
}
