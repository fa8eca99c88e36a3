package api

import (
	"encoding/json"
	"math"
	"strconv"
	"sync"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// A visit is a line with hundreds of samples, and records are mostly visits: these are written without reflection.

// spelled is a layout with the beginning of each of its samples as JSON.
type spelled struct {
	entries []journal.Entry
	heads   []string
}

// spelling keeps the layouts that were used lately.
type spelling struct {
	mu      sync.Mutex
	of      map[journal.LayoutID]*spelled
	entries int
}

// maxSpelled bounds what is kept of layouts: 100 bytes an entry.
const maxSpelled = 1 << 16

// get returns a layout of b as JSON.
func (s *spelling) get(pack *journal.Compressor, b *journal.Batch, id journal.LayoutID) (*spelled, error) {
	s.mu.Lock()
	x := s.of[id]
	s.mu.Unlock()
	if x != nil {
		return x, nil
	}
	raw, err := layoutIn(b, id)
	if err != nil {
		return nil, err
	}
	x = &spelled{}
	if x.entries, err = pack.Entries(raw); err != nil {
		return nil, err
	}
	x.heads = make([]string, len(x.entries))
	for i, e := range x.entries {
		head := appendText([]byte(`{"component":`), e.Component)
		head = appendText(append(head, `,"sensor":`...), e.Sensor)
		x.heads[i] = string(append(append(append(head, `,"type":"`...), e.Type.String()...), '"'))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries+len(x.entries) > maxSpelled || s.of == nil {
		s.of, s.entries = map[journal.LayoutID]*spelled{}, 0
	}
	s.of[id], s.entries = x, s.entries+len(x.entries)
	return x, nil
}

// layoutIn returns a layout that came with b.
func layoutIn(b *journal.Batch, id journal.LayoutID) (journal.Layout, error) {
	for _, l := range b.Layouts {
		if l.ID == id {
			return l, nil
		}
	}
	return journal.Layout{}, journal.ErrNoLayout
}

// visitWriter writes visits as lines.
type visitWriter struct {
	pack     *journal.Compressor
	spelling *spelling
	scratch  []hw.Sample
}

// append writes the visit of a record behind dst. It must be the line that Line would be.
func (w *visitWriter) append(dst []byte, b *journal.Batch, r journal.Record) ([]byte, error) {
	v, err := journal.ParseVisit(r.Payload, b.WallMS)
	if err != nil {
		return dst, err
	}
	if v.Layout >= len(b.Uses) {
		return dst, journal.ErrNoLayout
	}
	layout, err := w.spelling.get(w.pack, b, b.Uses[v.Layout])
	if err != nil {
		return dst, err
	}
	if w.scratch, err = v.Samples(w.scratch[:0], layout.entries); err != nil {
		return dst, err
	}
	dst = appendKey(dst, b, r.Index)
	dst = append(dst, `,"type":"visit","at":`...)
	dst = appendTime(dst, v.Started.UnixMilli())
	dst = appendText(append(dst, `,"device":`...), string(v.Device))
	dst = appendFloat(append(dst, `,"took_seconds":`...), v.Took.Seconds())
	dst = appendFloat(append(dst, `,"period_seconds":`...), v.Period.Seconds())
	dst = strconv.AppendInt(append(dst, `,"requests":`...), int64(v.Requests), 10)
	dst = appendScopes(dst, v.Read)
	return append(appendSamples(dst, w.scratch, layout), '}', '\n'), nil
}

func appendScopes(dst []byte, read []hw.Scope) []byte {
	if len(read) == 0 {
		return dst
	}
	dst = append(dst, `,"read":`...)
	for i, s := range read {
		dst = append(dst, sign(i, '{'))
		dst = appendText(dst, s.Section)
		dst = append(append(append(dst, `:"`...), s.Extent.String()...), '"')
	}
	return append(dst, '}')
}

func appendSamples(dst []byte, samples []hw.Sample, layout *spelled) []byte {
	if len(samples) == 0 {
		return dst
	}
	dst = append(dst, `,"samples":`...)
	for i := range samples {
		s := &samples[i]
		dst = append(append(dst, sign(i, '[')), layout.heads[i]...)
		switch {
		case s.Absent != "":
			dst = appendText(append(dst, `,"absent":`...), string(s.Absent))
		case s.Type == hw.Counter:
			dst = strconv.AppendUint(append(dst, `,"value":`...), s.Count, 10)
		case math.IsNaN(s.Gauge) || math.IsInf(s.Gauge, 0):
			dst = appendText(append(dst, `,"absent":`...), string(hw.OutOfRange))
		default:
			dst = appendFloat(append(dst, `,"value":`...), s.Gauge)
		}
		if s.StartMS != 0 && s.Absent == "" {
			dst = appendTime(append(dst, `,"start":`...), s.StartMS)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// sign is what stands before the element number i.
func sign(i int, first byte) byte {
	if i == 0 {
		return first
	}
	return ','
}

// appendKey begins a line with what names it.
func appendKey(dst []byte, b *journal.Batch, index uint32) []byte {
	for _, x := range [...][2]string{
		{`{"site":"`, b.Site.String()}, {`","origin":"`, b.Origin.String()}, {`","incarnation":"`, b.Incarnation.String()}, {`","stream":"`, b.Stream.String()},
	} {
		dst = append(append(dst, x[0]...), x[1]...)
	}
	dst = strconv.AppendUint(append(dst, `","seq":`...), b.Seq, 10)
	dst = strconv.AppendUint(append(dst, `,"index":`...), uint64(index), 10)
	dst = strconv.AppendUint(append(dst, `,"turn":`...), b.Turn, 10)
	return append(append(append(dst, `,"mode":"`...), b.Mode.String()...), '"')
}

// appendText writes s as encoding/json does.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			b, _ := json.Marshal(s) // a text always can be written
			return append(dst, b...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

func appendTime(dst []byte, ms int64) []byte {
	dst = time.UnixMilli(ms).UTC().AppendFormat(append(dst, '"'), time.RFC3339Nano)
	return append(dst, '"')
}

// appendFloat writes a finite number as encoding/json does: an exponent has no zero before it.
func appendFloat(dst []byte, f float64) []byte {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
		if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
			dst[n-2] = dst[n-1]
			dst = dst[:n-1]
		}
		return dst
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}
