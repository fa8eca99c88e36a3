package api

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// newest keeps the last visits of the sites whose readings are asked for again and again: to ask costs what came since.
type newest struct {
	pack *journal.Compressor
	now  func() time.Time

	mu    sync.Mutex
	sites map[journal.ID]*siteNewest
}

// The bounds of what is kept.
const (
	// lookBack is how far back visits are read at first: a few periods of the slowest sections.
	lookBack = 4 * time.Hour
	// freshPeriods is how many of its section's periods old a reading may be. An older one says nothing about now.
	freshPeriods = 3
	// unknownPeriod is that of a section that was not yet read twice in turn.
	unknownPeriod = time.Hour
	// lateBy is how much later than due a reading may come: a visit takes time, and so does a flush.
	lateBy     = 10 * time.Second
	maxNewest  = 1024 // sites, of 0.3 MB where they are full-size ones
	maxSteps   = 5    // from one reading of a section to the next, that tell its period
	maxHistory = 16   // layouts of a device
)

// siteNewest are the last visits of a site.
type siteNewest struct {
	mu      sync.Mutex
	at      Position
	asked   time.Time
	devices map[hw.DeviceID]*deviceNewest
	layouts map[journal.LayoutID]journal.Layout
	kept    int // layouts, when those that nobody uses were let go last
}

// deviceNewest are the last visits of a device that still say something about now.
type deviceNewest struct {
	visits   []lastVisit // of which at least one section was not read since, in order of time
	sections map[string]*lastRead
	read     map[journal.LayoutID]layoutSections
	writer   journal.StreamKey // of the newest visit
	startMS  int64             // of it
	dueMS    int64             // when that writer visits next, as it told then
}

// lastVisit is a visit, its samples still packed.
type lastVisit struct {
	startedMS int64
	layout    journal.LayoutID
	wallMS    int64
	payload   []byte
	sections  []string // that were read
}

// lastRead is when a section was read.
type lastRead struct {
	triedMS int64   // when it was tried last; 0: never
	inTurn  bool    // that was when a visit was due
	steps   []int64 // from one try in turn to the next, the last few
	leastMS int64   // from a try out of turn to the next: less than a period
	readMS  int64   // when it was read last; 0: never
}

// layoutSections are the sections of all visits of one layout.
type layoutSections struct {
	tried, complete []string
}

func newNewest(pack *journal.Compressor, now func() time.Time) *newest {
	return &newest{pack: pack, now: now, sites: map[journal.ID]*siteNewest{}}
}

// of returns the last visits of a site, brought up to date. The caller calls done when it has read them.
func (n *newest) of(ctx context.Context, records Records, site journal.ID) (s *siteNewest, done func(), err error) {
	n.mu.Lock()
	s = n.sites[site]
	if s == nil {
		s = &siteNewest{}
		n.sites[site] = s
	}
	s.asked = n.now()
	if len(n.sites) > maxNewest {
		n.letGo()
	}
	n.mu.Unlock()
	s.mu.Lock()
	if err := n.update(ctx, records, site, s); err != nil {
		s.mu.Unlock()
		return nil, nil, err
	}
	return s, s.mu.Unlock, nil
}

// letGo forgets the site that was not asked for the longest. The caller holds mu.
func (n *newest) letGo() {
	var oldest journal.ID
	for id, s := range n.sites {
		if o := n.sites[oldest]; o == nil || s.asked.Before(o.asked) {
			oldest = id
		}
	}
	delete(n.sites, oldest)
}

// update reads what came since.
func (n *newest) update(ctx context.Context, records Records, site journal.ID, s *siteNewest) error {
	for again := true; ; {
		q := ChangesQuery{After: s.at, Site: site, Streams: []journal.Stream{journal.Samples}, Batches: pageBatches, Bytes: pageBytes}
		if q.After == "" {
			s.devices, s.layouts = map[hw.DeviceID]*deviceNewest{}, map[journal.LayoutID]journal.Layout{}
			q.Since = n.now().Add(-lookBack)
		}
		got, err := records.Changes(ctx, q)
		if errors.Is(err, ErrGone) && again { // nobody asked for long, and what was read is gone
			s.at, again = "", false
			continue
		}
		if err != nil {
			return err
		}
		for i := range got.Batches {
			s.take(n.pack, &got.Batches[i])
		}
		s.at = got.Next
		if got.Next == got.Head {
			s.tidy()
			return nil
		}
	}
}

// take takes the visits of a batch. What cannot be read is passed over: the store counted it when it came.
func (s *siteNewest) take(pack *journal.Compressor, b *journal.Batch) {
	body, err := pack.Body(b)
	if err != nil {
		return
	}
	_ = journal.Records(body, func(r journal.Record) error {
		if r.Type != journal.TypeVisit {
			return nil
		}
		v, err := journal.ParseVisit(r.Payload, b.WallMS)
		if err != nil || v.Layout >= len(b.Uses) {
			return nil
		}
		l, err := layoutIn(b, b.Uses[v.Layout])
		if err != nil {
			return nil
		}
		if _, known := s.layouts[l.ID]; !known {
			s.layouts[l.ID] = journal.Layout{ID: l.ID, Bytes: slices.Clone(l.Bytes)}
		}
		d := s.devices[v.Device]
		if d == nil {
			d = &deviceNewest{sections: map[string]*lastRead{}, read: map[journal.LayoutID]layoutSections{}}
			s.devices[v.Device] = d
		}
		d.take(&v, l.ID, b.StreamKey, b.WallMS, r.Payload)
		return nil
	})
}

// tidy lets go of the layouts that nobody uses.
func (s *siteNewest) tidy() {
	if len(s.layouts) <= 2*s.kept+64 {
		return
	}
	used := map[journal.LayoutID]journal.Layout{}
	for _, d := range s.devices {
		for _, v := range d.visits {
			used[v.layout] = s.layouts[v.layout]
		}
		for id := range d.read {
			used[id] = s.layouts[id]
		}
	}
	s.layouts, s.kept = used, len(used)
}

// take takes a visit.
func (d *deviceNewest) take(v *journal.Visit, layout journal.LayoutID, writer journal.StreamKey, wallMS int64, payload []byte) {
	x := lastVisit{startedMS: v.Started.UnixMilli(), layout: layout, wallMS: wallMS}
	inTurn := d.inTurn(x.startedMS, v.Period, writer)
	var tried, complete []string
	for _, r := range v.Read {
		s := d.sections[r.Section]
		if s == nil {
			s = &lastRead{}
			d.sections[r.Section] = s
		}
		s.tried(x.startedMS, inTurn)
		tried = append(tried, r.Section)
		if r.Extent == hw.Complete {
			complete = append(complete, r.Section)
		}
		if r.Extent != hw.Failed && x.startedMS > s.readMS {
			s.readMS = x.startedMS
			x.sections = append(x.sections, r.Section)
		}
	}
	d.learn(layout, tried, complete)
	if len(x.sections) == 0 { // an older one that came later, or nothing was read
		return
	}
	x.payload = slices.Clone(payload)
	d.visits = append(d.visits, x)
	slices.SortStableFunc(d.visits, func(a, b lastVisit) int { return cmp.Compare(a.startedMS, b.startedMS) })
	d.visits = slices.DeleteFunc(d.visits, func(v lastVisit) bool { return len(d.alive(&v)) == 0 })
}

// inTurn says whether a visit comes when the one before it said. The first one after a start of a box reads all that there is, and so
// does one that a person asks for: what lies between them and others is no period.
func (d *deviceNewest) inTurn(atMS int64, period time.Duration, writer journal.StreamKey) bool {
	if atMS <= d.startMS {
		return false
	}
	due := d.writer == writer && atMS >= d.dueMS-period.Milliseconds()/10
	d.writer, d.startMS, d.dueMS = writer, atMS, atMS+period.Milliseconds()
	return due
}

// tried notes that a section was tried.
func (s *lastRead) tried(atMS int64, inTurn bool) {
	if atMS <= s.triedMS {
		return
	}
	switch step := atMS - s.triedMS; {
	case s.triedMS == 0 || !inTurn:
	case !s.inTurn:
		s.leastMS = max(s.leastMS, step)
	default:
		if s.steps = append(s.steps, step); len(s.steps) > maxSteps {
			s.steps = slices.Delete(s.steps, 0, 1)
		}
	}
	s.triedMS, s.inTurn = atMS, inTurn
}

// period is how often a section is tried: the median of the last times, so that an outage does not count.
func (s *lastRead) period() time.Duration {
	if len(s.steps) == 0 {
		return max(unknownPeriod, time.Duration(s.leastMS)*time.Millisecond)
	}
	steps := slices.Sorted(slices.Values(s.steps))
	return time.Duration(steps[len(steps)/2]) * time.Millisecond
}

// fresh says whether what was read of a section last says something about now. What is from the future does not: the clock was set.
func (s *lastRead) fresh(now time.Time) bool {
	age := now.Sub(time.UnixMilli(s.readMS))
	return age <= freshPeriods*s.period()+lateBy && age >= -lateBy
}

// learn notes of which sections the samples of a layout can be: of those that were tried in every visit that had it.
func (d *deviceNewest) learn(layout journal.LayoutID, tried, complete []string) {
	was, known := d.read[layout]
	if known {
		without := func(of []string) func(string) bool { return func(s string) bool { return !slices.Contains(of, s) } }
		was.tried, was.complete = slices.DeleteFunc(was.tried, without(tried)), slices.DeleteFunc(was.complete, without(complete))
		d.read[layout] = was
		return
	}
	if len(d.read) >= maxHistory {
		clear(d.read)
	}
	d.read[layout] = layoutSections{tried, complete}
}

// alive are the sections of a visit that were not read since.
func (d *deviceNewest) alive(v *lastVisit) []string {
	var out []string
	for _, s := range v.sections {
		if d.sections[s].readMS == v.startedMS {
			out = append(out, s)
		}
	}
	return out
}
