package snmp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
	"pgregory.net/rapid"

	"rackpost/collectors"
	"rackpost/hw"
)

// device is a device without a network: it answers queries from its rows, or as fault has
// it. rows are names with a leading dot, in order.
type device struct {
	rows  []string
	fault func(q query, a answer) (answer, *failure)
	asked int
}

func (d *device) bulk(_ context.Context, q query) (answer, *failure) {
	d.asked++
	a := answer{cols: len(q.oids), at: time.Unix(1, 0)}
	if len(q.head) > 0 {
		a.vars = append(a.vars, gosnmp.SnmpPDU{Name: "." + upTimeOID, Type: gosnmp.TimeTicks, Value: uint32(d.asked)})
	}
	at := make([]int, len(q.oids))
	for i, o := range q.oids {
		at[i], _ = slices.BinarySearchFunc(d.rows, o, compareOID)
		if at[i] < len(d.rows) && d.rows[at[i]] == o {
			at[i]++
		}
	}
	reps := 5
	if q.most > 0 {
		reps = min(reps, q.most)
	}
	for range reps {
		for i := range at {
			if at[i] >= len(d.rows) {
				a.vars = append(a.vars, gosnmp.SnmpPDU{Name: q.oids[i], Type: gosnmp.EndOfMibView})
				continue
			}
			a.vars = append(a.vars, gosnmp.SnmpPDU{Name: d.rows[at[i]], Type: gosnmp.Integer, Value: at[i]})
			at[i]++
		}
	}
	if d.fault != nil {
		return d.fault(q, a)
	}
	return a, nil
}

func (d *device) of(column string) (indexes []string) {
	for _, r := range d.rows {
		if i, ok := strings.CutPrefix(r, "."+column+"."); ok {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

func indexes(c Column) (out []string) {
	for _, r := range c.Rows {
		out = append(out, r.Index)
	}
	return out
}

// Whatever happens to the answers, a complete column is the true one, an incomplete one
// says why and holds only true rows from its start on, and the walk ends.
func TestWalkNeverLies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := &device{}
		var cols []string
		for c := range rapid.IntRange(1, 15).Draw(t, "columns") {
			col := fmt.Sprintf("1.3.6.1.2.1.2.%d", c+1)
			cols = append(cols, col)
			for r := range rapid.IntRange(0, 25).Draw(t, "rows") {
				d.rows = append(d.rows, fmt.Sprintf(".%s.%d", col, r*7+1))
			}
		}
		slices.SortFunc(d.rows, compareOID)
		cols = rapid.Permutation(cols).Draw(t, "order")
		d.fault = func(q query, a answer) (answer, *failure) { return spoil(t, q, a) }
		w := newWalk(d, limits{rows: 40, bytes: 1 << 20, requests: 500}, rapid.Bool().Draw(t, "timed"), &sizes{}, cols)
		f := w.run(t.Context())
		if d.asked > 500 {
			t.Fatalf("%d requests", d.asked)
		}
		read := false
		for _, c := range w.table {
			want, got := d.of(c.OID), indexes(c)
			read = read || c.Complete || len(got) > 0
			switch {
			case c.Complete && !slices.Equal(got, want):
				t.Fatalf("column %s is complete with %v, true is %v", c.OID, got, want)
			case !c.Complete && (c.Reason == "" || c.Err == nil):
				t.Fatalf("column %s: no reason", c.OID)
			case len(got) > len(want) || !slices.Equal(got, want[:len(got)]):
				t.Fatalf("column %s has %v, true is %v", c.OID, got, want)
			}
			for _, r := range c.Rows {
				if n, _ := slices.BinarySearchFunc(d.rows, "."+c.OID+"."+r.Index, compareOID); r.Int != int64(n) {
					t.Fatalf("row %s.%s has the value of another", c.OID, r.Index)
				}
			}
		}
		if (f == nil) != read {
			t.Fatalf("failure %v, read %v", f, read)
		}
	})
}

// spoil loses, cuts, refuses or reorders an answer, or none of it.
func spoil(t *rapid.T, q query, a answer) (answer, *failure) {
	head := len(q.head)
	switch rapid.IntRange(0, 12).Draw(t, "fault") {
	case 0:
		return answer{}, &failure{reason: hw.NoAnswer, err: errors.New("lost"), silent: true}
	case 1, 2, 3:
		a.vars = a.vars[:rapid.IntRange(head, len(a.vars)).Draw(t, "cut")]
	case 4:
		a.cols = rapid.IntRange(1, len(q.oids)).Draw(t, "fewer") // the session may ask fewer
		rows := a.vars[head:]
		a.vars = a.vars[:head]
		for i := 0; i < len(rows); i += len(q.oids) {
			a.vars = append(a.vars, rows[i:i+a.cols]...)
		}
	case 5:
		return answer{cols: a.cols, status: gosnmp.GenErr, index: rapid.IntRange(0, 20).Draw(t, "index")}, nil
	case 6:
		if len(q.oids) > 1 {
			rows := a.vars[head:]
			copy(rows, rapid.Permutation(slices.Clone(rows)).Draw(t, "order"))
		}
	case 7:
		return answer{}, &failure{reason: hw.Garbage, err: errors.New("unreadable")}
	}
	return a, nil
}

func TestWalkStopsForGood(t *testing.T) {
	t.Parallel()
	for _, r := range []hw.Reason{hw.Cancelled, hw.OutOfTime, hw.Refused, hw.WrongAuthKey} {
		d := &device{fault: func(query, answer) (answer, *failure) {
			return answer{}, &failure{reason: r, err: errors.New("x")}
		}}
		w := newWalk(d, defaultLimits, false, &sizes{}, []string{"1.3.1", "1.3.2", "1.3.3"})
		if f := w.run(t.Context()); f == nil || f.reason != r || d.asked != 1 {
			t.Errorf("%s: got %v after %d requests", r, f, d.asked)
		}
	}
}

func TestWalkLimits(t *testing.T) {
	t.Parallel()
	d := &device{}
	for r := range 100 {
		d.rows = append(d.rows, fmt.Sprintf(".1.3.1.%d", r+1))
	}
	for name, l := range map[string]limits{
		"rows": {rows: 99, bytes: 1 << 20, requests: 100}, "bytes": {rows: 1000, bytes: 500, requests: 100},
		"requests": {rows: 1000, bytes: 1 << 20, requests: 3},
	} {
		w := newWalk(d, l, false, &sizes{}, []string{"1.3.1"})
		if f := w.run(t.Context()); f != nil {
			t.Fatal(name, f)
		}
		if c := w.table[0]; c.Complete || c.Reason != hw.TooMuch || len(c.Rows) == 0 || len(c.Rows) > 99 {
			t.Errorf("%s: complete %v, reason %q, %d rows", name, c.Complete, c.Reason, len(c.Rows))
		}
	}
}

// FuzzWalk feeds a walk answers of any content: names, types and errors.
func FuzzWalk(f *testing.F) {
	f.Add("1.3.1.1 1.3.2.1 1.3.1.2 1.3.2.2 1.3.9", []byte{2, 2, 2, 2, 0x82}, uint8(0), uint8(0))
	f.Add("1.3.1.1 1.3.1.1", []byte{0x80, 4}, uint8(5), uint8(3))
	f.Fuzz(func(t *testing.T, names string, types []byte, status, index uint8) {
		list := strings.Fields(names)
		n := 0
		d := &device{}
		d.fault = func(q query, a answer) (answer, *failure) {
			if status > 0 && d.asked%2 == 0 {
				return answer{cols: a.cols, status: gosnmp.SNMPError(status), index: int(index)}, nil
			}
			a.vars = a.vars[:0]
			for range 3 {
				if n < len(list) && len(types) > 0 {
					typ := gosnmp.Asn1BER(types[n%len(types)])
					a.vars = append(a.vars, gosnmp.SnmpPDU{Name: "." + list[n], Type: typ, Value: anyValue(typ)})
					n++
				}
			}
			return a, nil
		}
		w := newWalk(d, limits{rows: 8, bytes: 4096, requests: 64}, index%2 == 1, &sizes{}, []string{"1.3.1", "1.3.2", "1.3.10"})
		w.run(t.Context())
		for _, c := range w.table {
			if c.Complete == (c.Reason != "") {
				t.Fatalf("column %s: complete %v, reason %q", c.OID, c.Complete, c.Reason)
			}
			for i := range c.Rows {
				if i > 0 && compareOID(c.Rows[i-1].Index, c.Rows[i].Index) >= 0 {
					t.Fatalf("column %s: %s is not before %s", c.OID, c.Rows[i-1].Index, c.Rows[i].Index)
				}
				c.Rows[i].Text()
			}
		}
	})
}

func anyValue(typ gosnmp.Asn1BER) any {
	switch typ {
	case gosnmp.Integer:
		return -1
	case gosnmp.OctetString:
		return []byte{0xff, 0, 'a'}
	case gosnmp.IPAddress:
		return "not an address"
	case gosnmp.Counter32:
		return uint(1 << 40)
	}
	return nil
}

// FuzzHeader feeds the guard's reader any bytes.
func FuzzHeader(f *testing.F) {
	b, err := (&gosnmp.SnmpPacket{Version: gosnmp.Version2c, Community: "public", PDUType: gosnmp.GetResponse, RequestID: 7}).MarshalMsg()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, p []byte) {
		h, ok := readHeader(p)
		if ok && h.version != 3 && len(h.community) > len(p) {
			t.Fatal("community longer than the message")
		}
	})
}

func TestReadHeader(t *testing.T) {
	t.Parallel()
	for _, id := range []uint32{0, 1, 127, 128, 1 << 30, 1<<31 - 1} {
		b, err := (&gosnmp.SnmpPacket{Version: gosnmp.Version2c, Community: "public", PDUType: gosnmp.GetResponse, RequestID: id}).MarshalMsg()
		if err != nil {
			t.Fatal(err)
		}
		h, ok := readHeader(b)
		if !ok || h.version != 1 || string(h.community) != "public" || h.requestID != int64(id) || h.pdu != tagResponse {
			t.Errorf("id %d: %+v, %v", id, h, ok)
		}
		for n := range b {
			if _, ok := readHeader(b[:n]); ok {
				t.Errorf("accepted the first %d of %d bytes", n, len(b))
			}
		}
	}
}

func numbers(oid string) (out []uint64) {
	for p := range strings.SplitSeq(strings.TrimPrefix(oid, "."), ".") {
		n, _ := strconv.ParseUint(p, 10, 64)
		out = append(out, n)
	}
	return out
}

func TestCompareOID(t *testing.T) {
	t.Parallel()
	part := rapid.OneOf(rapid.Uint32Range(0, 12), rapid.Uint32())
	name := rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for _, n := range rapid.SliceOfN(part, 1, 6).Draw(t, "oid") {
			fmt.Fprintf(&b, ".%d", n)
		}
		return b.String()
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		if got, want := compareOID(a, b), slices.Compare(numbers(a), numbers(b)); got != want {
			t.Fatalf("compareOID(%s, %s) = %d, want %d", a, b, got, want)
		}
		if got, want := under(a, b+"."), len(numbers(a)) > len(numbers(b)) && slices.Equal(numbers(a)[:len(numbers(b))], numbers(b)); got != want {
			t.Fatalf("under(%s, %s.) = %v", a, b, got)
		}
		if err := checkOID(a[1:]); (err == nil) != (len(numbers(a)) > 1) {
			t.Fatalf("checkOID(%s): %v", a[1:], err)
		}
	})
}

// A size that stays without answer is left for good; a lost packet changes nothing.
func TestPace(t *testing.T) {
	t.Parallel()
	m := &collectors.Memory{}
	p := loadPace(m)
	for range 10 {
		cols, reps := p.plan(12, 0, 0)
		p.answered(0, cols*reps, cols*reps, cols*reps*22)
	}
	full := p.size
	if full < 60 || full > maxSize {
		t.Fatalf("size %d does not fill a packet", full)
	}
	p.answered(1, full/2, full/2, 500) // one loss
	p.answered(0, full, full, full*22)
	if p.size < full {
		t.Errorf("one loss took the size from %d to %d", full, p.size)
	}
	for range 2 { // larger than it bears
		p.answered(1, full/2, full/2, 500)
	}
	if p.size > full/2 || p.ceiling > full/2 {
		t.Errorf("size %d, ceiling %d after silence twice", p.size, p.ceiling)
	}
	p.save(m)
	if q := loadPace(m); q.size != p.size || q.ceiling != p.ceiling || q.need != p.need {
		t.Errorf("loaded %+v, saved %+v", q, p)
	}
	low := p.ceiling
	for range p.need {
		p.answered(0, p.size, p.size, p.size*22)
	}
	if p.ceiling <= low || p.ceiling > low*2 {
		t.Errorf("the ceiling went from %d to %d", low, p.ceiling)
	}
	m.Set(keySize, -5)
	m.Set(keyCeiling, 1<<40)
	if q := loadPace(m); q.size != startSize || q.ceiling != maxSize {
		t.Errorf("took nonsense from memory: %+v", q)
	}
}

// Every plan asks for something and stays within what it may.
func TestPlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := pace{size: rapid.IntRange(1, maxSize).Draw(t, "size")}
		cols, most, try := rapid.IntRange(1, 60).Draw(t, "cols"), rapid.IntRange(0, 96).Draw(t, "most"), rapid.IntRange(0, 9).Draw(t, "try")
		n, reps := p.plan(cols, most, try)
		if n < 1 || n > cols || reps < 1 || most > 0 && reps > most || n*reps >= p.size+n {
			t.Fatalf("plan(%d, %d, %d) of %d is %d columns, %d repetitions", cols, most, try, p.size, n, reps)
		}
	})
}

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": "plain", "Gi1/0/1\x00\x00": "Gi1/0/1", "a\r\nb\tc": "abc", " x ": "x", "\xff\xfe": "\uFFFD\uFFFD",
		strings.Repeat("é", 200): strings.Repeat("é", 127), "机房": "机房",
	} {
		if got := (Value{Type: TypeOctetString, Bytes: []byte(in)}).Text(); got != want {
			t.Errorf("Text of %q is %q, want %q", in, got, want)
		}
	}
}
