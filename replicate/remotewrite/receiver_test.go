package remotewrite_test

import (
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/client_golang/exp/api/remote"
	writev2 "github.com/prometheus/client_golang/exp/api/remote/genproto/v2"
	"google.golang.org/protobuf/encoding/protowire"
)

// sample is what a receiver was sent.
type sample struct {
	series  string // labels as text, in the order they came
	atMS    int64
	value   float64
	stale   bool
	startMS int64
	kind    writev2.Metadata_MetricType
}

// receiver is an HTTP server that takes remote write and tells what came.
type receiver struct {
	*httptest.Server
	t testing.TB

	mu       sync.Mutex
	requests []sent
	stored   []sample
	answer   func(n int, s sent) reply // of request n; nil: take all
}

// sent is one request.
type sent struct {
	header  http.Header
	body    int // bytes, packed
	raw     int
	v2      bool
	samples []sample
}

// reply is what a receiver answers.
type reply struct {
	code   int
	store  bool
	keep   []sample // stored, whatever the code
	header map[string]string
	text   string
	noDate bool
}

func taken() reply { return reply{code: 204, store: true} }

func newReceiver(t testing.TB, answer func(n int, s sent) reply) *receiver {
	r := &receiver{t: t, answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	s, err := readSent(q)
	if err != nil {
		r.t.Error(err)
		http.Error(w, err.Error(), 400)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := taken()
	if len(s.samples) > 0 || r.answer != nil && q.Header.Get("X-Probe") != "" {
		r.requests = append(r.requests, s)
		if r.answer != nil {
			a = r.answer(len(r.requests), s)
		}
	} else if r.answer != nil {
		a = r.answer(0, s)
	}
	if a.store {
		r.stored = append(r.stored, s.samples...)
		if s.v2 && a.header == nil {
			a.header = map[string]string{"X-Prometheus-Remote-Write-Samples-Written": fmt.Sprint(len(s.samples))}
		}
	}
	r.stored = append(r.stored, a.keep...)
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	if a.noDate {
		w.Header()["Date"] = nil
	}
	w.WriteHeader(a.code)
	_, _ = io.WriteString(w, a.text)
}

func readSent(q *http.Request) (sent, error) {
	packed, err := io.ReadAll(q.Body)
	if err != nil {
		return sent{}, err
	}
	raw, err := snappy.Decode(nil, packed)
	if err != nil {
		return sent{}, err
	}
	out := sent{header: q.Header, body: len(packed), raw: len(raw)}
	kind, err := remote.ParseProtoMsg(q.Header.Get("Content-Type"))
	if err != nil {
		return out, err
	}
	if out.v2 = kind == remote.WriteV2MessageType; out.v2 {
		out.samples, err = readV2(raw)
	} else {
		out.samples, err = readV1(raw)
	}
	return out, err
}

func readV2(raw []byte) (out []sample, err error) {
	var r writev2.Request
	if err := r.UnmarshalVT(raw); err != nil {
		return nil, err
	}
	if r.Symbols[0] != "" {
		return nil, fmt.Errorf("the first symbol is %q", r.Symbols[0])
	}
	for _, s := range r.Timeseries {
		var labels []string
		for i := 0; i < len(s.LabelsRefs); i += 2 {
			labels = append(labels, r.Symbols[s.LabelsRefs[i]], r.Symbols[s.LabelsRefs[i+1]])
		}
		name, err := seriesName(labels)
		if err != nil {
			return nil, err
		}
		for _, x := range s.Samples {
			out = append(out, sample{name, x.Timestamp, x.Value, math.Float64bits(x.Value) == 0x7ff0000000000002, s.CreatedTimestamp, s.Metadata.Type})
		}
	}
	return out, nil
}

// fieldsOf calls fn for each field of a message.
func fieldsOf(b []byte, fn func(n protowire.Number, t protowire.Type, b []byte, v uint64) error) error {
	for len(b) > 0 {
		n, t, size := protowire.ConsumeTag(b)
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		var part []byte
		var v uint64
		switch t {
		case protowire.BytesType:
			part, size = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			v, size = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			v, size = protowire.ConsumeFixed64(b)
		default:
			return fmt.Errorf("field %d has wire %d", n, t)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		if err := fn(n, t, part, v); err != nil {
			return err
		}
	}
	return nil
}

func readV1(raw []byte) (out []sample, err error) {
	err = fieldsOf(raw, func(n protowire.Number, t protowire.Type, b []byte, _ uint64) error {
		if n != 1 || t != protowire.BytesType {
			return fmt.Errorf("field %d of a WriteRequest", n)
		}
		var labels []string
		var points []sample
		err := fieldsOf(b, func(n protowire.Number, _ protowire.Type, b []byte, _ uint64) error {
			var x sample
			err := fieldsOf(b, func(m protowire.Number, t protowire.Type, b []byte, v uint64) error {
				switch {
				case n == 1 && t == protowire.BytesType:
					labels = append(labels, string(b))
				case n == 2 && m == 1 && t == protowire.Fixed64Type:
					x.value, x.stale = math.Float64frombits(v), v == 0x7ff0000000000002
				case n == 2 && m == 2 && t == protowire.VarintType:
					x.atMS = int64(v)
				default:
					return fmt.Errorf("field %d.%d", n, m)
				}
				return nil
			})
			if n == 2 {
				points = append(points, x)
			}
			return err
		})
		if err != nil {
			return err
		}
		name, err := seriesName(labels)
		for _, x := range points {
			x.series = name
			out = append(out, x)
		}
		return err
	})
	return out, err
}

// seriesName writes labels as text. They must be in order, each once and with a value.
func seriesName(labels []string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(labels); i += 2 {
		if i > 0 && labels[i] <= labels[i-2] || labels[i+1] == "" {
			return "", fmt.Errorf("labels %q", labels)
		}
		fmt.Fprintf(&b, "%s=%q ", labels[i], labels[i+1])
	}
	return strings.TrimSpace(b.String()), nil
}

// key names a sample.
type key struct {
	series string
	atMS   int64
}

// got returns what is stored, each once; twice says how often something came again.
func (r *receiver) got() (all map[key]float64, twice int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all = map[key]float64{}
	for _, x := range r.stored {
		if x.stale {
			continue
		}
		k := key{x.series, x.atMS}
		if _, again := all[k]; again {
			twice++
		}
		all[k] = x.value
	}
	return all, twice
}

func (r *receiver) seen() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// differ says how two sets of samples differ.
func differ(got, want map[key]float64) string {
	var lines []string
	for k, v := range want {
		if x, ok := got[k]; !ok || x != v {
			lines = append(lines, fmt.Sprintf("want %v %v, there %v %v", k, v, ok, x))
		}
	}
	for _, k := range slices.Collect(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			lines = append(lines, fmt.Sprintf("%v %v is too much", k, got[k]))
		}
	}
	slices.Sort(lines)
	if len(lines) > 6 {
		lines = append(lines[:6], fmt.Sprintf("and %d more", len(lines)-6))
	}
	return strings.Join(lines, "\n")
}
