package matrix_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/netlab"
	"rackpost/replicate/uplink"
	"rackpost/store"
	"rackpost/web"
)

const (
	office     = "hq"        // host and member
	hqAddress  = "10.80.0.1" // of no wire: several lead there
	hqSiteName = "rack"      // of the site, at headquarters
	faultyPort = "port/Fa1/0/5"
)

// headquarters is what the boxes send to, over a switch of its own.
type headquarters struct {
	*member
	saw     *consumer
	image   string         // a copy of its folder
	excused map[visit]bool // they were on no other disk
}

// newHQPair is newPair with a headquarters, which is not started.
func newHQPair(t *testing.T, template string) *pair {
	t.Helper()
	p := layPair(t, template, boxA, boxB, third, rack, office)
	p.net.Uplink(boxA, boxB, office)
	p.net.Host(office).Run("ip", "address", "add", hqAddress+"/32", "dev", "lo")
	for _, box := range []string{boxA, boxB} {
		p.route(box, netlab.WAN)
	}
	h := &headquarters{member: &member{pair: p, name: office, dir: filepath.Join(p.dir, office)}}
	h.configure(hqAddress + ":443")
	p.hq = h
	return p
}

// route leads a box to headquarters over a wire.
func (p *pair) route(box, wire string, more ...string) {
	p.t.Helper()
	args := []string{"route", "replace", hqAddress, "via", p.net.Host(office).Address(wire).String(), "dev", wire}
	p.net.Host(box).Run("ip", append(args, more...)...)
}

// addConfig adds to what a person wrote.
func (m *member) addConfig(text string) {
	m.pair.t.Helper()
	b, err := os.ReadFile(m.config())
	if err == nil {
		err = os.WriteFile(m.config(), append(b, text...), 0o600)
	}
	if err != nil {
		m.pair.t.Fatal(err)
	}
}

// archive puts visits of a device that is no more into the journal of a box that does not run: a backlog that packs badly.
func (p *pair) archive(box string, visits int) {
	p.t.Helper()
	s, err := store.Open(p.t.Context(), store.Options{Dir: p.member(box).data(), Site: siteID, Ballast: -1, MinFree: 1, FlushAge: time.Millisecond})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for i := range visits {
		r := hw.Report{Device: "old", Kind: "cisco-catalyst", Started: p.began.Add(time.Duration(i-visits) * time.Minute), Period: time.Minute, Shortest: time.Minute,
			Read: []hw.Scope{{Section: "health", Extent: hw.Complete}}}
		for n := range 100 {
			r.Samples = append(r.Samples, hw.Sample{Component: fmt.Sprint("cpu/", n), Sensor: "busy_percent", Gauge: rand.Float64()})
		}
		if err := s.Put(ctx, r); err != nil {
			p.t.Fatal(err)
		}
	}
	cancel()
	if err := firstError(<-done, s.Close()); err != nil {
		p.t.Fatal(err)
	}
}

// configure writes hq.yaml.
func (m *member) configure(listen string) {
	m.pair.t.Helper()
	text := fmt.Sprintf("name: office\ndata: data\nsocket: sock\nlog: {level: debug, format: text}\nlisten: %s\nurls: [\"https://%s\"]\nbudget: 1GB\n", listen, hqAddress)
	err := os.MkdirAll(m.dir, 0o700)
	if err == nil {
		err = os.WriteFile(m.config(), []byte(text), 0o600)
	}
	if err != nil {
		m.pair.t.Fatal(err)
	}
}

// begin starts headquarters and waits until it can be asked.
func (h *headquarters) begin() {
	h.pair.t.Helper()
	h.start()
	h.pair.until("headquarters can be asked", func() bool { return h.get("/hq", &struct{}{}) })
}

// enrolled starts headquarters, lets the site join by the commands a person gives, and waits for what comes first.
func (p *pair) enrolled(box *member) {
	p.t.Helper()
	p.hq.begin()
	var token struct {
		Token string   `json:"token"`
		URLs  []string `json:"urls"`
	}
	out := p.hq.must("hq", "enroll", "-json", hqSiteName)
	if err := json.Unmarshal([]byte(out), &token); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	box.must("uplink", "join", token.URLs[0], token.Token)
	joined := time.Now()
	p.hq.watch()
	p.t.Logf("the first record is at headquarters %v after the join", p.hq.saw.firstAfter(p, joined))
}

// save keeps a copy of headquarters' folder.
func (h *headquarters) save() {
	h.pair.t.Helper()
	h.stop()
	h.image = filepath.Join(h.pair.dir, "office-image")
	copyFolder(h.pair.t, h.image, h.data())
	h.begin()
}

// restore ends headquarters and starts it with the copy of its folder.
func (h *headquarters) restore() {
	h.pair.t.Helper()
	h.kill()
	copyFolder(h.pair.t, h.data(), h.image)
	h.begin()
}

// cutLine stops everything between boxes and headquarters.
func (p *pair) cutLine(boxes ...string) {
	p.t.Helper()
	for _, box := range boxes {
		p.net.Cut(box, office)
	}
}

// uplink is how a box's way to headquarters is; empty when it does not answer.
func (m *member) uplink() (s uplink.Status) {
	v := struct {
		Uplink *uplink.Status `json:"uplink"`
	}{&s}
	m.get("/uplink", &v)
	if v.Uplink == nil {
		return uplink.Status{}
	}
	return s
}

// sends says whether a box sends and headquarters answers.
func (m *member) sends() bool {
	s := m.uplink()
	return s.Sending && s.Connected
}

// drained says whether a box sends and knows of nothing that headquarters lacks.
func (m *member) drained() bool {
	s := m.uplink()
	return s.Sending && s.Connected && s.Backlog.Known && s.Backlog.Records == 0
}

// consumer takes every record that comes to headquarters, over its API.
type consumer struct {
	from *member
	end  chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	came  map[visit][]time.Time // of this life of the journal; box is empty
	known map[recordName]string // the same, of every record, and behind which position it came
	twice []string              // records that came again in one life
	news  []time.Time           // when records came, of all lives
	lives int                   // how often it had to begin again
}

// watch begins to consume, until the test ends.
func (h *headquarters) watch() {
	c := &consumer{from: h.member, end: make(chan struct{}), came: map[visit][]time.Time{}, known: map[recordName]string{}}
	h.saw = c
	c.done.Go(c.run)
	h.pair.t.Cleanup(func() { close(c.end); c.done.Wait() })
}

func (c *consumer) run() {
	after := ""
	for {
		select {
		case <-c.end:
			return
		case <-time.After(20 * time.Millisecond):
		}
		after = c.take(after)
	}
}

// changeLine is a line of GET /api/v1/changes, the last one too.
type changeLine struct {
	recordName
	Type   string    `json:"type"`
	At     time.Time `json:"at"`
	Device string    `json:"device"`
	Next   string    `json:"next"`
}

// recordName is what names a record for ever.
type recordName struct {
	Origin      string `json:"origin"`
	Incarnation string `json:"incarnation"`
	Stream      string `json:"stream"`
	Seq         uint64 `json:"seq"`
	Index       uint32 `json:"index"`
}

// take asks once and returns where to go on.
func (c *consumer) take(after string) string {
	client := c.from.client(5 * time.Second)
	q := url.Values{"site": {hqSiteName}, "after": {after}, "wait": {"2s"}}
	answer, err := client.Get("http://rackpost/api/v1/changes?" + q.Encode())
	if err != nil {
		return after // it does not run
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusGone:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.came, c.known, c.lives = map[visit][]time.Time{}, map[recordName]string{}, c.lives+1
		return ""
	case answer.StatusCode != http.StatusOK:
		return after
	}
	var lines []changeLine
	text := bufio.NewScanner(answer.Body)
	text.Buffer(nil, 8<<20)
	for text.Scan() {
		var l changeLine
		if err := json.Unmarshal(text.Bytes(), &l); err != nil {
			return after // it was cut off
		}
		lines = append(lines, l)
	}
	if len(lines) == 0 || lines[len(lines)-1].Next == "" {
		return after
	}
	c.add(after, lines[:len(lines)-1])
	return lines[len(lines)-1].Next
}

func (c *consumer) add(after string, lines []changeLine) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(lines) > 0 {
		c.news = append(c.news, now)
	}
	for _, l := range lines {
		if before, again := c.known[l.recordName]; again {
			c.twice = append(c.twice, fmt.Sprintf("%+v behind %q and behind %q", l.recordName, before, after))
		}
		c.known[l.recordName] = after
		if l.Type == "visit" {
			v := visit{device: l.Device, at: l.At.UnixMilli()}
			c.came[v] = append(c.came[v], now)
		}
	}
}

// cameAt returns when the visit came last in this life of the journal, and how often it did.
func (c *consumer) cameAt(v visit) (at time.Time, times int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v.box = ""
	list := c.came[v]
	if len(list) > 0 {
		at = list[0]
	}
	return at, len(list)
}

// firstAfter waits until a record came after a time, and returns how long after.
func (c *consumer) firstAfter(p *pair, from time.Time) (took time.Duration) {
	p.t.Helper()
	p.until("a record comes to headquarters", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, at := range c.news {
			if at.After(from) {
				took = at.Sub(from).Round(10 * time.Millisecond)
				return true
			}
		}
		return false
	})
	return took
}

// begunAgain is how often it was told that what it knew is of another life.
func (c *consumer) begunAgain() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lives
}

// alerts says whether headquarters knows of a fault of the fifth port of the switch.
func (h *headquarters) alerts() bool {
	var list struct {
		Devices []web.Device `json:"devices"`
	}
	h.pair.until("headquarters tells of the switch", func() bool {
		return h.get("/devices?site="+hqSiteName, &list) && len(list.Devices) > 0
	})
	for _, d := range list.Devices {
		for _, a := range d.Alerts {
			if d.ID == "core" && a.Component == faultyPort {
				return true
			}
		}
	}
	return false
}

// lag is the longest that a visit which was told durable between two times took from then to whoever reads at headquarters.
func (h *headquarters) lag(from, to time.Time) (worst time.Duration, visits int) {
	for _, box := range []string{boxA, boxB} {
		for _, v := range h.pair.member(box).durable() {
			if v.when.Before(from) || v.when.After(to) {
				continue
			}
			at, times := h.saw.cameAt(v.visit)
			if times == 0 {
				at = time.Now()
			}
			visits++
			worst = max(worst, at.Sub(v.when))
		}
	}
	return worst.Round(10 * time.Millisecond), visits
}

// has says whether all that was told durable before a time is at headquarters, and whoever sends knows it.
func (h *headquarters) has(before time.Time) bool {
	return h == nil || len(h.misses(before)) == 0 && (h.pair.member(boxA).drained() || h.pair.member(boxB).drained())
}

// misses returns what was told durable before a time and did not come.
func (h *headquarters) misses(before time.Time) (list []visit) {
	for _, box := range []string{boxA, boxB} {
		for _, v := range h.pair.member(box).durable() {
			if _, times := h.saw.cameAt(v.visit); v.when.Before(before) && times == 0 && !h.excused[v.visit] {
				list = append(list, v.visit)
			}
		}
	}
	return list
}

// check is the oracle of headquarters, which was stopped: all that the boxes hold of before a time is there, all it holds is theirs, once
// each, and nothing is without a visit or a gap. boxes is what all boxes together hold.
func (h *headquarters) check(boxes *store.Store, names map[journal.ID]string, before time.Time) {
	p := h.pair
	p.t.Helper()
	h.stop()
	var said bytes.Buffer
	if audit, err := store.Verify(p.t.Context(), h.data(), &said); err != nil || len(audit.Faults) > 0 {
		p.t.Errorf("the journal of headquarters: %v\n%s", err, &said)
	}
	site, _, err := store.Identity(h.data())
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := store.Open(p.t.Context(), store.Options{Dir: h.data(), Site: site, ManySites: true, Ballast: -1, MinFree: 1})
	if err != nil {
		p.t.Fatal(err)
	}
	defer s.Close()
	readings := p.readings(s, names)
	told := p.checkTold(readings, before, h.excused)
	p.checkNumbers(readings)
	gaps, longest := p.checkTimes(s, readings)
	missing, strange, all := h.compare(s, boxes, before)
	p.t.Logf("headquarters: %d of %d batches of the boxes missing; %d visits told durable, %d there, %d gaps; the longest time without a good visit %v",
		missing, all, told, len(readings), gaps, longest)
	if missing > 0 || strange > 0 {
		p.t.Errorf("headquarters lacks %d batches that were there before it was stopped, and has %d that no box wrote so", missing, strange)
	}
	h.saw.mu.Lock()
	defer h.saw.mu.Unlock()
	for _, what := range h.saw.twice {
		p.t.Errorf("the API of headquarters gave a record twice: %s", what)
	}
}

// compare counts the batches of the boxes that were written before a time and are not at headquarters, and those of headquarters that
// no box holds with that content. What only a lost disk had is at headquarters alone.
func (h *headquarters) compare(hq, boxes *store.Store, before time.Time) (missing, strange, all int) {
	h.pair.t.Helper()
	held := map[journal.Key]uint32{}
	h.each(boxes, func(b *journal.Batch) {
		held[b.Key] = b.Checksum()
		if b.WallMS >= before.UnixMilli() {
			return
		}
		if all++; !hq.Holds(b.Key) {
			missing++
		}
	})
	h.each(hq, func(b *journal.Batch) {
		sum, there := held[b.Key]
		_, lost := h.pair.lost[b.Origin]
		if b.Origin == hq.Origin() && b.Stream == journal.Facts { // what it says of the site itself
			lost = true
		}
		if there && sum != b.Checksum() || !there && !lost {
			strange++
		}
	})
	return missing, strange, all
}

// each calls fn with every batch of the site.
func (h *headquarters) each(s *store.Store, fn func(*journal.Batch)) {
	t := h.pair.t
	t.Helper()
	for at := (store.Position{}); ; {
		batches, next, err := s.Since(t.Context(), at, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if at = next; len(batches) == 0 {
			return
		}
		for i := range batches {
			if batches[i].Site == siteID {
				fn(&batches[i])
			}
		}
	}
}

// explain tells how headquarters and the ways there stand.
func (h *headquarters) explain() {
	if h == nil {
		return
	}
	t := h.pair.t
	t.Helper()
	for _, box := range []string{boxA, boxB} {
		s := h.pair.member(box).uplink()
		t.Logf("uplink of %s: sends %v (%s), connected %v over %q, backlog %+v, refusal %+v, unseen %v, ways %+v", box, s.Sending, s.Why, s.Connected, s.Way, s.Backlog, s.Refusal, s.Unseen, s.Ways)
	}
	if h.saw != nil {
		t.Logf("not at headquarters: %v", h.misses(time.Now()))
	}
	if out, err := exec.Command("tail", "-n", "15", h.logPath()).Output(); err == nil && h.command != nil {
		t.Logf("headquarters: running %v, said last:\n%s", h.alive(), strings.ReplaceAll(string(out), h.pair.dir, ""))
	}
}
