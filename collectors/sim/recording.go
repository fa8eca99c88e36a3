package sim

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The limits of a snmprec file. The greatest full walk known has 554,176 lines.
const (
	MaxRecordingLines = 1 << 20
	MaxRecordingLine  = 64 << 10
	MaxRecordingBytes = 256 << 20
	maxNotes          = 20
)

// Row is one object of a recording.
type Row struct {
	OID  string
	Type byte // its BER tag: 2, 4, 5, 6, 64, 65, 66, 67, 68 or 70
	// Value is decimal or dotted text, except for types 4 and 68: there it is the octets.
	Value []byte
}

// Recording is a device's MIB at one time. The zero value is empty.
type Recording struct {
	rows []Row // in the order of the tree, one an OID
	keys []oid

	Duplicates int      // lines left out because an earlier one had their OID
	Skipped    int      // lines left out because a variation module of snmpsim makes their value
	Notes      []string // where; the first 20
}

// ReadRecording reads a snmprec file: lines of OID|type|value, in any order, where an x after
// the type says that the value is in hexadecimal. Lines whose type names a variation module
// of snmpsim (2:numeric) are skipped and counted. name is for errors, which tell line and column.
func ReadRecording(r io.Reader, name string) (*Recording, error) {
	rec := &Recording{}
	seen := map[oid]int{}
	sc := bufio.NewScanner(io.LimitReader(r, MaxRecordingBytes+1))
	sc.Buffer(make([]byte, 0, 4096), MaxRecordingLine+2)
	line, total := 0, 0
	for sc.Scan() {
		line++
		if total += len(sc.Bytes()) + 1; line > MaxRecordingLines || total > MaxRecordingBytes {
			return nil, fmt.Errorf("%s:%d:1: more than %d lines or %d bytes: cut the recording to the subtrees you need", name, line, MaxRecordingLines, MaxRecordingBytes)
		}
		if err := rec.readLine(sc.Bytes(), name, line, seen); err != nil {
			return nil, err
		}
	}
	switch err := sc.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s:%d:1: the line is longer than %d bytes: shorten or remove it", name, line+1, MaxRecordingLine)
	case err != nil:
		return nil, fmt.Errorf("read %s after line %d: %w", name, line, err)
	case len(rec.rows) == 0:
		return nil, fmt.Errorf("%s:1:1: no objects: write lines as 1.3.6.1.2.1.1.5.0|4|name", name)
	}
	rec.sort()
	return rec, nil
}

func (rec *Recording) readLine(b []byte, name string, line int, seen map[oid]int) error {
	b = bytes.TrimSuffix(b, []byte("\r"))
	if len(bytes.TrimSpace(b)) == 0 || b[0] == '#' {
		return nil
	}
	fail := func(column int, err error) error { return fmt.Errorf("%s:%d:%d: %w", name, line, column, err) }
	object, rest, ok := strings.Cut(string(b), "|")
	kind, text, ok2 := strings.Cut(rest, "|")
	if !ok || !ok2 {
		return fail(1, errors.New("not OID|type|value: write it as 1.3.6.1.2.1.1.5.0|4|name"))
	}
	key, err := parseOID(object)
	if err != nil {
		return fail(1, err)
	}
	if tag, module, ok := strings.Cut(kind, ":"); ok {
		rec.Skipped++
		rec.note("%s:%d:%d: skipped: variation module %q; write the value itself after |%s|", name, line, len(object)+2, module, tag)
		return nil
	}
	row, err := parseRow(kind, text)
	if errors.Is(err, errType) {
		return fail(len(object)+2, err)
	} else if err != nil {
		return fail(len(object)+len(kind)+3, err)
	}
	if first, twice := seen[key]; twice {
		rec.Duplicates++
		rec.note("%s:%d:1: left out: %s is already in line %d", name, line, key, first)
		return nil
	}
	seen[key] = line
	row.OID = key.String()
	rec.rows, rec.keys = append(rec.rows, row), append(rec.keys, key)
	return nil
}

func (rec *Recording) note(format string, args ...any) {
	if len(rec.Notes) < maxNotes {
		rec.Notes = append(rec.Notes, fmt.Sprintf(format, args...))
	}
}

var errType = errors.New("unknown type")

// parseRow reads the last two fields of a line.
func parseRow(kind, text string) (Row, error) {
	digits, isHex := strings.CutSuffix(kind, "x")
	n, err := strconv.ParseUint(digits, 10, 8)
	if err != nil || !knownType(byte(n)) {
		return Row{}, fmt.Errorf("%w %q: write 2 (INTEGER), 4 (OCTET STRING), 4x (the same in hexadecimal), 5 (NULL), 6 (OBJECT IDENTIFIER), 64 (IpAddress), 65 (Counter32), 66 (Gauge32), 67 (TimeTicks), 68x (Opaque) or 70 (Counter64)", errType, kind)
	}
	row := Row{Type: byte(n), Value: []byte(text)}
	if isHex {
		raw, err := hex.DecodeString(text)
		switch {
		case err != nil:
			return Row{}, fmt.Errorf("not hexadecimal: write two digits an octet, or type %d and the text", row.Type)
		case row.Type == tagIPAddress && len(raw) == 4:
			raw = []byte(netip.AddrFrom4([4]byte(raw)).String())
		case row.Type != tagOctets && row.Type != tagOpaque:
			return Row{}, fmt.Errorf("%q is not one value of type %d in hexadecimal: write type %d and decimal or dotted text", text, row.Type, row.Type)
		}
		row.Value = raw
	}
	_, err = row.encode()
	return row, err
}

func knownType(t byte) bool {
	switch t {
	case tagInteger, tagOctets, tagNull, tagOID, tagIPAddress, tagCounter32, tagGauge32, tagTimeTicks, tagOpaque, tagCounter64:
		return true
	}
	return false
}

// encode returns the content of the value's TLV.
func (r Row) encode() ([]byte, error) {
	text := string(r.Value)
	switch r.Type {
	case tagOctets, tagOpaque:
		if len(r.Value) > MaxRecordingLine {
			return nil, fmt.Errorf("%d octets: more than %d", len(r.Value), MaxRecordingLine)
		}
		return r.Value, nil
	case tagNull:
		return nil, nil
	case tagInteger:
		v, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%q is not an INTEGER: write %d to %d", text, math.MinInt32, math.MaxInt32)
		}
		return appendInt(nil, r.Type, v)[2:], nil
	case tagOID:
		o, err := parseOID(text)
		if err != nil {
			return nil, err
		}
		b := appendOID(nil, o)
		return b[headSize(len(b)-2):], nil
	case tagIPAddress:
		a, err := netip.ParseAddr(text)
		if err != nil || !a.Is4() {
			return nil, fmt.Errorf("%q is not an IpAddress: write four numbers, as 192.0.2.1", text)
		}
		return a.AsSlice(), nil
	}
	return r.encodeUnsigned(text)
}

func (r Row) encodeUnsigned(text string) ([]byte, error) {
	bits := 32
	if r.Type == tagCounter64 {
		bits = 64
	} else if !knownType(r.Type) {
		return nil, fmt.Errorf("%w %d", errType, r.Type)
	}
	v, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return nil, fmt.Errorf("%q is not an unsigned number of %d bits: write 0 to %d", text, bits, uint64(math.MaxUint64)>>(64-bits))
	}
	return appendUint(nil, r.Type, v)[2:], nil
}

func (rec *Recording) sort() {
	order := make([]int, len(rec.rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(rec.keys[a], rec.keys[b]) })
	rows, keys := make([]Row, len(order)), make([]oid, len(order))
	for to, from := range order {
		rows[to], keys[to] = rec.rows[from], rec.keys[from]
	}
	rec.rows, rec.keys = rows, keys
}

// Rows returns the objects in the order of the tree. The caller may keep it but not change the values.
func (rec *Recording) Rows() []Row { return slices.Clone(rec.rows) }

// Set adds an object or replaces the one of that OID.
func (rec *Recording) Set(row Row) error {
	key, err := parseOID(row.OID)
	if err != nil {
		return err
	}
	if _, err := row.encode(); err != nil {
		return fmt.Errorf("%s: %w", row.OID, err)
	}
	row.OID, row.Value = key.String(), bytes.Clone(row.Value)
	i, found := slices.BinarySearch(rec.keys, key)
	if found {
		rec.rows[i] = row
		return nil
	}
	rec.rows, rec.keys = slices.Insert(rec.rows, i, row), slices.Insert(rec.keys, i, key)
	return nil
}

// Delete removes the object of that OID or all below it, and returns how many.
func (rec *Recording) Delete(subtree string) (int, error) {
	key, err := parseOID(subtree)
	if err != nil {
		return 0, err
	}
	from, _ := slices.BinarySearch(rec.keys, key)
	to := from
	for to < len(rec.keys) && strings.HasPrefix(string(rec.keys[to]), string(key)) {
		to++
	}
	rec.rows, rec.keys = slices.Delete(rec.rows, from, to), slices.Delete(rec.keys, from, to)
	return to - from, nil
}

// WriteRecording writes rec as a snmprec file that ReadRecording reads as the same. Octets that are
// not printable ASCII are written in hexadecimal.
func WriteRecording(w io.Writer, rec *Recording) error {
	b := bufio.NewWriter(w)
	for _, r := range rec.rows {
		plain := r.Type != tagOpaque
		if r.Type == tagOctets {
			for _, c := range r.Value {
				plain = plain && c >= ' ' && c <= '~'
			}
		}
		var err error
		if plain {
			_, err = fmt.Fprintf(b, "%s|%d|%s\n", r.OID, r.Type, r.Value)
		} else {
			_, err = fmt.Fprintf(b, "%s|%dx|%x\n", r.OID, r.Type, r.Value)
		}
		if err != nil {
			return fmt.Errorf("write recording: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}

// view encodes the recording once, for any number of devices.
func (rec *Recording) view() *view {
	entries := make([]entry, 0, len(rec.rows))
	for i, r := range rec.rows {
		content, err := r.encode()
		if err != nil {
			continue // rows come in through readLine and Set, which encode them
		}
		entries = append(entries, constant(rec.keys[i], r.Type, content))
	}
	v, _ := newView(entries)
	return v
}
