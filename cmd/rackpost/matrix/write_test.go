package matrix_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/netlab"
	"rackpost/store"
	"rackpost/web"
)

// engine is a program beside the devices that the boxes write their samples to.
type engine struct {
	pair     *pair
	name     string
	base     string
	victoria bool // VictoriaMetrics, which keeps what came twice; else Prometheus
}

// engines starts those that are installed and has both boxes write to each.
func (p *pair) engines() (all []*engine) {
	p.t.Helper()
	at := func(port uint16) string {
		return netip.AddrPortFrom(p.net.Host(rack).Address(netlab.LAN), port).String()
	}
	dir := filepath.Join(p.dir, "engines")
	config := filepath.Join(dir, "prometheus.yml")
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = os.WriteFile(config, []byte("storage: {tsdb: {out_of_order_time_window: 1d}}\n"), 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	text := "remote_write:\n"
	for i, e := range []struct{ program, listen, data, more string }{
		{"victoria-metrics", "-httpListenAddr=", "-storageDataPath=", "-memory.allowedPercent=5"},
		{"prometheus", "--web.listen-address=", "--storage.tsdb.path=", "--web.enable-remote-write-receiver"},
	} {
		path, err := exec.LookPath(e.program)
		if errors.Is(err, exec.ErrNotFound) && os.Getenv("RACKPOST_REQUIRE_TOOLS") == "" {
			continue
		} else if err != nil {
			p.t.Fatal(err)
		}
		address := at(uint16(9000 + i))
		x := &engine{pair: p, name: e.program, base: "http://" + address, victoria: i == 0}
		args := []string{e.listen + address, e.data + filepath.Join(dir, e.program), e.more}
		if !x.victoria {
			args = append(args, "--config.file="+config)
		}
		x.run(p.net.Host(rack).Command(path, args...))
		text += fmt.Sprintf("  - {name: %s, url: \"%s/api/v1/write\"}\n", e.program, x.base)
		all = append(all, x)
	}
	if len(all) == 0 {
		p.t.Skip("neither victoria-metrics nor prometheus is installed: .ci/test installs them on Debian")
	}
	for _, box := range []string{boxA, boxB} {
		p.member(box).addConfig(text)
	}
	return all
}

func (e *engine) run(c *exec.Cmd) {
	t := e.pair.t
	t.Helper()
	log, err := os.Create(filepath.Join(e.pair.dir, e.name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		_ = log.Close()
	})
	e.pair.until(e.name+" answers", func() bool {
		r, err := e.client().Get(e.base + "/-/ready")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
}

// client calls from the host of the engine.
func (e *engine) client() *http.Client {
	dial := func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		err = e.pair.net.Host(rack).Within(func() error {
			conn, err = new(net.Dialer).DialContext(ctx, network, address)
			return err
		})
		return conn, err
	}
	return &http.Client{Timeout: patience, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

// read asks the engine and has its answer read.
func (e *engine) read(path string, query url.Values, fn func(io.Reader) error) {
	t := e.pair.t
	t.Helper()
	r, err := e.client().Get(e.base + path + "?" + query.Encode())
	if err == nil {
		defer r.Body.Close()
		if err = fn(r.Body); r.StatusCode != http.StatusOK {
			err = errors.New(r.Status)
		}
	}
	if err != nil {
		t.Fatalf("%s: %s: %v", e.name, path, err)
	}
}

// sampleKey names a sample.
type sampleKey struct {
	metric, component, device string
	at                        int64
}

// held is what an engine has.
type held struct {
	values map[sampleKey]float64
	times  map[sampleKey]int // how often it has it
	differ int               // so many it has with two values
}

// held reads everything back: from Prometheus by PromQL; from VictoriaMetrics as it stands there, what came twice too.
func (e *engine) held() *held {
	e.pair.t.Helper()
	h := &held{values: map[sampleKey]float64{}, times: map[sampleKey]int{}}
	if !e.victoria {
		e.read("/api/v1/query", url.Values{"query": {`{__name__=~"rackpost_.+"}[1d]`}}, func(b io.Reader) error {
			var answer struct {
				Data struct {
					Result []struct {
						Metric map[string]string
						Values [][2]any
					}
				}
			}
			err := json.NewDecoder(b).Decode(&answer)
			for _, r := range answer.Data.Result {
				for _, v := range r.Values {
					value, err := strconv.ParseFloat(fmt.Sprint(v[1]), 64)
					if err != nil {
						return err
					}
					h.add(e, r.Metric, int64(math.Round(v[0].(float64)*1000)), value)
				}
			}
			return err
		})
		return h
	}
	e.read("/internal/force_flush", nil, func(io.Reader) error { return nil })
	e.read("/api/v1/export", url.Values{"match[]": {`{__name__=~"rackpost_.+"}`}, "reduce_mem_usage": {"1"}}, func(b io.Reader) error {
		lines := bufio.NewScanner(b)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			var x struct {
				Metric     map[string]string
				Values     []*float64
				Timestamps []int64
			}
			if err := json.Unmarshal(bytes.ReplaceAll(lines.Bytes(), []byte("NaN"), []byte("null")), &x); err != nil {
				return err
			}
			for i, v := range x.Values {
				if v != nil { // a marker
					h.add(e, x.Metric, x.Timestamps[i], *v)
				}
			}
		}
		return lines.Err()
	})
	return h
}

func (h *held) add(e *engine, labels map[string]string, at int64, value float64) {
	if labels["site"] != hqSiteName {
		e.pair.t.Errorf("%s has %v: the label site is not the site", e.name, labels)
	}
	k := sampleKey{labels["__name__"], labels["component"], labels["device"], at}
	if before, twice := h.values[k]; twice && before != value {
		if h.differ++; h.differ == 1 {
			e.pair.t.Errorf("%s has %v of %s twice, with %v and %v", e.name, k, stamp(at), before, value)
		}
	}
	h.values[k] = value
	h.times[k]++
}

// writtenAll waits until the box that leads wrote everything older than now to every engine, and returns that time.
func (p *pair) writtenAll(engines int) time.Time {
	p.t.Helper()
	return p.written(engines, true)
}

// written is writtenAll; without islands it does not wait for what islands read.
func (p *pair) written(engines int, islands bool) time.Time {
	p.t.Helper()
	now := time.Now()
	reached := 0
	p.untilIn(patience+islandWait, "everything is at the engines", func() bool {
		leader := p.leader()
		if leader == nil || time.Since(now) < 3*period {
			return false
		}
		var s web.Status
		if !leader.get("/status", &s) || len(s.RemoteWrite) != engines {
			return false
		}
		for _, r := range s.RemoteWrite {
			if !r.Writing || r.Lag == nil || *r.Lag > 0 || !r.Behind.IsZero() || islands && r.Waiting > 0 || r.Problem != "" {
				reached = 0
				return false
			}
			if len(r.Missing) > 0 {
				p.t.Errorf("%s will not have %+v", r.Name, r.Missing)
			}
		}
		reached++
		return reached > 2
	})
	return now.Add(-period)
}

// expectation is what the engines are to have of what was read before a time.
type expectation struct {
	must map[sampleKey]float64   // what a box with authority read, and an island alone
	may  map[sampleKey][]float64 // what one of two islands read
	not  map[sampleKey]bool      // of all that islands read, whether a box with authority did so too
}

func (p *pair) expected(before time.Time) expectation {
	p.t.Helper()
	a, b := p.open(boxA), p.open(boxB)
	defer a.Close()
	defer b.Close()
	p.merge(a, b)
	x := expectation{map[sampleKey]float64{}, map[sampleKey][]float64{}, map[sampleKey]bool{}}
	devices := map[hw.DeviceID]bool{}
	islands := map[sampleKey]map[journal.ID]float64{}
	var pack journal.Compressor
	for at := (store.Position{}); ; {
		batches, next, err := a.Since(p.t.Context(), at, 1000)
		if err != nil {
			p.t.Fatal(err)
		}
		if at = next; len(batches) == 0 {
			break
		}
		for i := range batches {
			if err := samplesOf(&pack, &batches[i], func(k sampleKey, v float64) {
				devices[hw.DeviceID(k.device)] = true
				switch {
				case k.at >= before.UnixMilli():
				case batches[i].Mode != journal.Island:
					x.must[k] = v
				case islands[k] == nil:
					islands[k] = map[journal.ID]float64{batches[i].Origin: v}
				default:
					islands[k][batches[i].Origin] = v
				}
			}); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	x.judge(p, a, devices, islands)
	for k := range islands {
		_, must := x.must[k]
		_, may := x.may[k]
		x.not[k] = !must && !may
	}
	return x
}

// seriesName is a series of the expectation.
type seriesName struct{ metric, component, device string }

func (k sampleKey) series() seriesName { return seriesName{k.metric, k.component, k.device} }

// judge sorts what islands read: as a chart shows it, and of two islands either. Of what is read more seldom than the switch is visited,
// how often it usually is shows only later than it is judged: of that too, either may be.
func (x *expectation) judge(p *pair, s *store.Store, devices map[hw.DeviceID]bool, islands map[sampleKey]map[journal.ID]float64) {
	p.t.Helper()
	shown, count, most := map[seriesName][]store.Point{}, map[seriesName]int{}, 0
	for d := range devices {
		q := store.SeriesQuery{Site: siteID, Device: d, From: time.Unix(0, 0)} // what comes after the time tells which of those before it count
		if err := s.Series(p.t.Context(), q, func(r store.Point) error {
			name := seriesName{hw.MetricOf(r.Component, r.Sensor, r.Type).Name, r.Component, string(d)}
			if count[name]++; r.Mode == journal.Island {
				shown[name] = append(shown[name], r)
			}
			most = max(most, count[name])
			return nil
		}); err != nil {
			p.t.Fatal(err)
		}
	}
	seldom := func(name seriesName) bool { return count[name] < most/2 }
	for k, by := range islands {
		if seldom(k.series()) {
			x.may[k] = slices.Collect(maps.Values(by))
		}
	}
	for name, points := range shown {
		if !seldom(name) {
			x.judgeOften(name, points, islands)
		}
	}
}

// judgeOften sorts the points of islands of one series, those that a chart shows.
func (x *expectation) judgeOften(name seriesName, points []store.Point, islands map[sampleKey]map[journal.ID]float64) {
	for _, r := range points {
		k := sampleKey{name.metric, name.component, name.device, r.At}
		v, numbered := islands[k][r.Origin] // of those before the time
		switch alone := !slices.ContainsFunc(points, func(o store.Point) bool { return o.Origin != r.Origin && max(o.At-r.At, r.At-o.At) < 4*r.PeriodMS }); {
		case !numbered:
		case alone:
			x.must[k] = v
		default:
			x.may[k] = append(x.may[k], v)
		}
	}
}

// samplesOf calls fn for each number of a batch.
func samplesOf(pack *journal.Compressor, b *journal.Batch, fn func(sampleKey, float64)) error {
	if b.Stream != journal.Samples || b.Site != siteID {
		return nil
	}
	layouts := map[journal.LayoutID][]journal.Entry{}
	for _, l := range b.Layouts {
		var err error
		if layouts[l.ID], err = pack.Entries(l); err != nil {
			return err
		}
	}
	body, err := pack.Body(b)
	if err != nil {
		return err
	}
	return journal.Records(body, func(r journal.Record) error {
		if r.Type != journal.TypeVisit {
			return nil
		}
		v, err := journal.ParseVisit(r.Payload, b.WallMS)
		if err != nil {
			return err
		}
		samples, err := v.Samples(nil, layouts[b.Uses[v.Layout]])
		for _, s := range samples {
			value := s.Gauge
			if s.Type == hw.Counter {
				value = float64(s.Count)
			}
			if m := hw.MetricOf(s.Component, s.Sensor, s.Type); s.Absent == "" && !math.IsNaN(m.Value(value)) {
				fn(sampleKey{m.Name, s.Component, string(v.Device), v.Started.UnixMilli()}, m.Value(value))
			}
		}
		return err
	})
}

// mostAgain is the longest before the kill of which something may be sent again. What an island read has waited before.
const (
	mostAgain  = 15 * time.Second
	islandWait = 30 * time.Second
)

// checkEngines fails unless every sample is at every engine, with its value and no other, and tells what was sent again of what was read
// before the leader was killed.
func (p *pair) checkEngines(engines []*engine, killed, before time.Time) {
	p.t.Helper()
	want := p.expected(before)
	for _, e := range engines {
		h := e.held()
		missing, wrong, more := 0, 0, 0
		for k, v := range want.must {
			switch got, there := h.values[k]; {
			case !there:
				if missing++; missing < 4 {
					p.t.Logf("%s lacks %v of %s", e.name, k, stamp(k.at))
				}
			case got != v:
				wrong++
			}
		}
		for k, v := range h.values {
			if may := want.may[k]; want.not[k] || may != nil && !slices.Contains(may, v) {
				if more++; more < 4 {
					p.t.Logf("%s has %v of %s of an island", e.name, k, stamp(k.at))
				}
			}
		}
		again, first, last, tooOld := 0, int64(math.MaxInt64), int64(0), time.Duration(0)
		for k, n := range h.times {
			if n < 2 {
				continue
			}
			again++
			first, last = min(first, k.at), max(last, k.at)
			old := killed.Sub(time.UnixMilli(k.at))
			if _, island := want.not[k]; island {
				old -= islandWait
			}
			tooOld = max(tooOld, old)
		}
		p.t.Logf("%s: %d samples; %d came again, of %v", e.name, len(want.must), again, time.Duration(max(0, last-first))*time.Millisecond)
		if missing+wrong+more > 0 {
			p.t.Errorf("%s: of %d samples %d are missing, %d are wrong; %d of an island are there that do not count", e.name, len(want.must), missing, wrong, more)
		}
		if tooOld > mostAgain {
			p.t.Errorf("%s: what was read %v before the leader was killed was sent again", e.name, tooOld)
		}
	}
}

// writeLeaderKilledWitnessed: the other box is elected, and goes on writing where the dead one was.
func writeLeaderKilledWitnessed(p *pair) {
	engines := p.engines()
	leader, follower := p.running(boxA, boxB, third)
	p.whole()
	p.writtenAll(len(engines))
	killed := time.Now()
	leader.kill()
	p.until("the other box has authority", func() bool { return follower.view().Authority })
	follower.visits(time.Now().Add(2 * period))
	p.written(len(engines), false) // one that was elected late was an island, and waits for the dead one's journal
	p.start(leader.name)
	p.whole()
	p.wroteAll(engines, killed)
}

// writeLeaderKilledBare: the other box is an island and writes nothing; when the leader is back what the island read is written too, where
// it counts.
func writeLeaderKilledBare(p *pair) {
	engines := p.engines()
	leader, follower := p.running(boxA, boxB)
	p.whole()
	p.writtenAll(len(engines))
	killed := time.Now()
	leader.kill()
	follower.mode("island")
	follower.visits(time.Now().Add(4 * period))
	p.start(leader.name)
	p.whole()
	p.wroteAll(engines, killed)
}

func (p *pair) wroteAll(engines []*engine, killed time.Time) {
	p.t.Helper()
	before := p.writtenAll(len(engines))
	p.check()
	p.checkEngines(engines, killed, before)
}
