// Package fold keeps what a site's facts amount to: one register for each thing and
// origin, and the view over them. It is pure: every order of arrival gives the same state.
package fold

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// Key names what registers speak of.
type Key struct {
	Kind      hw.FactKind
	Device    hw.DeviceID
	Component string
	Group     string
}

// Compare orders keys.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Kind, o.Kind), cmp.Compare(k.Device, o.Device),
		cmp.Compare(k.Component, o.Component), cmp.Compare(k.Group, o.Group))
}

// visited is what is kept of an origin's visits of a device. A zero turn says none.
type visited struct{ last, good journal.LastVisit }

// Fold is the state of one site. It is not safe for concurrent use. The zero value is not
// usable; New makes one.
type Fold struct {
	site    journal.ID
	devices map[hw.DeviceID]*shelf
	visits  map[hw.DeviceID][]visited // in order of origin
	excused journal.Vector
	known   journal.Vector
	turn    uint64
	said    int // registers, of all origins
	seen    int // devices and origins of visits
	common  *Common
	batch   *batch // of the register taken last; nil: none yet
}

// Common is what the folds of one store share. It is no more safe for concurrent use than they are.
type Common struct {
	texts map[string]string // one string for each text that keys repeat
	names map[name]*name    // and for each pair of them: sites have parts of the same names
	turn  uint64
}

// NewCommon returns what no fold has told anything yet.
func NewCommon() *Common { return &Common{texts: map[string]string{}, names: map[name]*name{}} }

// New returns the empty state of a site.
func (c *Common) New(site journal.ID) *Fold {
	return &Fold{site: site, devices: map[hw.DeviceID]*shelf{}, visits: map[hw.DeviceID][]visited{},
		excused: journal.Vector{}, known: journal.Vector{}, common: c}
}

// Turn returns the greatest turn that any of the folds has seen.
func (c *Common) Turn() uint64 { return c.turn }

// SawTurn moves the greatest turn seen up to t.
func (c *Common) SawTurn(t uint64) { c.turn = max(c.turn, t) }

// New returns the empty state of a site, which shares nothing.
func New(site journal.ID) *Fold { return NewCommon().New(site) }

// Site returns whose state it is.
func (f *Fold) Site() journal.ID { return f.site }

// Turn returns the greatest turn seen.
func (f *Fold) Turn() uint64 { return f.turn }

// SawTurn moves the greatest turn seen up to t.
func (f *Fold) SawTurn(t uint64) { f.turn, f.common.turn = max(f.turn, t), max(f.common.turn, t) }

// Excused returns what nobody waits for. The caller must not change it.
func (f *Fold) Excused() journal.Vector { return f.excused }

// Known returns what is known to have been written: 1 to the greatest seq heard of in each
// stream. The caller must not change it.
func (f *Fold) Known() journal.Vector { return f.known }

// SawBatch notes that the batch exists.
func (f *Fold) SawBatch(h *journal.Header) {
	f.SawTurn(h.Turn)
	f.know(h.StreamKey, h.Seq)
}

func (f *Fold) know(k journal.StreamKey, seq uint64) {
	if seq > f.known.Last(k) {
		f.known.Add(k, 1, seq)
	}
}

// Apply takes the records of a batch of facts. It returns the keys whose registers changed.
// Records it does not know are skipped and counted in unknown. A record that cannot be read
// does not hide those after it: the first such error is returned at the end.
func (f *Fold) Apply(h *journal.Header, body []byte) (changed []Key, unknown int, err error) {
	f.SawBatch(h)
	var bad error
	err = journal.Records(body, func(rec journal.Record) error {
		var err error
		switch rec.Type {
		case journal.TypeFact:
			order := journal.Order{Turn: h.Turn, Origin: h.Origin, Incarnation: h.Incarnation, Seq: h.Seq, Index: rec.Index}
			var k Key
			var took bool
			if k, took, err = f.put(journal.Register{Order: order, Mode: h.Mode, WallMS: h.WallMS, Payload: rec.Payload}); took {
				changed = append(changed, k)
			}
		case journal.TypeTombstone:
			err = f.bury(rec.Payload)
		case journal.TypeBegin:
			err = f.begin(h, rec.Payload)
		default:
			unknown++
		}
		if err != nil && bad == nil {
			bad = fmt.Errorf("record %d: %w", rec.Index, err)
		}
		return nil
	})
	return changed, unknown, cmp.Or(err, bad)
}

// bury excuses what a tombstone of this site speaks of.
func (f *Fold) bury(payload []byte) error {
	t, err := journal.ParseTombstone(payload)
	if err == nil && t.Site == f.site {
		f.excused.Add(t.StreamKey, t.First, t.Last)
	}
	return err
}

func (f *Fold) begin(h *journal.Header, payload []byte) error {
	b, err := journal.ParseBegin(payload)
	if err != nil || b.Previous == 0 {
		return err
	}
	for _, l := range b.Last {
		k := h.StreamKey
		k.Incarnation, k.Stream = b.Previous, l.Stream
		f.know(k, l.Seq)
	}
	return nil
}

// put takes r when it is the newest of its origin. It copies the payload.
func (f *Fold) put(r journal.Register) (Key, bool, error) {
	raw, err := journal.ParseFact(r.Payload)
	if err != nil {
		return Key{}, false, err
	}
	k := Key{raw.Kind, hw.DeviceID(f.common.text(string(raw.Device))), raw.Component, raw.Group}
	d := f.devices[k.Device]
	if d == nil {
		d = &shelf{}
		f.devices[k.Device] = d
	}
	n := f.common.name(k.Component, k.Group)
	k.Component, k.Group = n.component, n.group
	before := len(d.list)
	took := d.put(k, register{kind: k.Kind, index: r.Index, name: n, batch: f.batchOf(&r)}, r.Payload, &raw)
	f.said += len(d.list) - before
	return k, took, nil
}

// batchOf returns what r knows of its batch. Registers come batch by batch.
func (f *Fold) batchOf(r *journal.Register) *batch {
	b := batch{r.Order, r.Mode, r.WallMS}
	b.order.Index = 0
	if f.batch == nil || *f.batch != b {
		f.batch = new(batch)
		*f.batch = b
	}
	return f.batch
}

func (c *Common) text(s string) string {
	if t, ok := c.texts[s]; ok {
		return t
	}
	c.texts[s] = s
	return s
}

func (c *Common) name(component, group string) *name {
	n := name{component, group}
	if p := c.names[n]; p != nil {
		return p
	}
	n = name{c.text(component), c.text(group)}
	c.names[n] = &n
	return &n
}

// maxSeen bounds the devices and origins of which the last visit is kept: a site of 10,000 devices in a
// pair whose disks were replaced ten times. Only somebody hostile tells of more, and of those nothing is kept.
const maxSeen = 1 << 18

// Visited notes a visit. Of each device and origin the newest is kept, and the newest that
// read anything.
func (f *Fold) Visited(v journal.LastVisit) {
	vs := f.visits[v.Device]
	i, found := slices.BinarySearchFunc(vs, v.Origin, visited.compare)
	if !found && f.seen >= maxSeen {
		return
	}
	v.Device = hw.DeviceID(f.common.text(string(v.Device)))
	if !found {
		vs = slices.Insert(vs, i, visited{})
		f.visits[v.Device] = vs
		f.seen++
	}
	vs[i].last = newer(vs[i].last, v)
	if v.Good {
		vs[i].good = newer(vs[i].good, v)
	}
}

// compare compares the origin of v, of which something was noted, with o.
func (v visited) compare(o journal.ID) int { return bytes.Compare(v.last.Origin[:], o[:]) }

func newer(a, b journal.LastVisit) journal.LastVisit {
	if a.Turn > 0 && compareVisits(a, b) >= 0 {
		return a
	}
	return b
}

// compareVisits orders visits of one device by one origin: by turn, and where one flush holds
// several, by start. Equal ones differ in nothing that matters, but some order must hold.
func compareVisits(a, b journal.LastVisit) int {
	return cmp.Or(cmp.Compare(a.Turn, b.Turn), a.Started.Compare(b.Started), cmp.Compare(a.Incarnation, b.Incarnation),
		cmp.Compare(a.Period, b.Period), cmp.Compare(a.Mode, b.Mode), cmp.Compare(btoi(a.Good), btoi(b.Good)))
}

// Visits returns the last visit of a device by each origin, and before it the last that read
// anything when that is another, in order of origin.
func (f *Fold) Visits(device hw.DeviceID) []journal.LastVisit {
	var out []journal.LastVisit
	for _, v := range f.visits[device] {
		if !v.last.Good && v.good.Turn > 0 {
			out = append(out, v.good)
		}
		out = append(out, v.last)
	}
	slices.SortFunc(out, func(a, b journal.LastVisit) int {
		return cmp.Or(bytes.Compare(a.Origin[:], b.Origin[:]), compareVisits(a, b))
	})
	return out
}

// Devices returns every device a register or a visit speaks of, in order. The empty name,
// the box itself, is not among them.
func (f *Fold) Devices() []hw.DeviceID {
	seen := map[hw.DeviceID]struct{}{}
	for d := range f.devices {
		seen[d] = struct{}{}
	}
	for d := range f.visits {
		seen[d] = struct{}{}
	}
	delete(seen, "")
	return slices.Sorted(maps.Keys(seen))
}

// Keys returns the keys of a device's registers in order.
func (f *Fold) Keys(device hw.DeviceID) []Key {
	return f.devices[device].keys(device, func(int, int) bool { return true })
}

// Of returns the facts of one kind that the view shows of a device, in order of component and
// group; removed ones are left out.
func (f *Fold) Of(device hw.DeviceID, kind hw.FactKind) []hw.Fact {
	var out []hw.Fact
	for _, k := range f.devices[device].keysOf(device, kind) {
		if x, ok := f.Fact(k); ok && !x.Removed {
			out = append(out, x)
		}
	}
	return out
}

// Register returns the register that the view shows for k.
func (f *Fold) Register(k Key) (journal.Register, bool) {
	if r := f.shown(k); r != nil {
		return r.whole(k.Device), true
	}
	return journal.Register{}, false
}

// shown returns the register that the view shows for k, or nil.
func (f *Fold) shown(k Key) *register {
	d := f.devices[k.Device]
	from, to := d.of(k)
	return f.shownOf(d, k, from, to)
}

// shownOf is shown of the registers of k, a part of the order of d.
func (f *Fold) shownOf(d *shelf, k Key, from, to int) *register {
	best := d.greatest(from, to, all)
	if best == nil || best.batch.mode != journal.Island || k.Kind == hw.ActFact {
		return best // what people do counts in every mode
	}
	// An island yields to whoever had authority and still visited the device of late.
	ruled := d.greatest(from, to, func(r *register) bool {
		return r.batch.mode != journal.Island && f.fresh(k.Device, r.batch.order.Origin)
	})
	if ruled != nil {
		return ruled
	}
	return best
}

// freshPeriods is how many periods an authoritative visit holds an island's word back.
const freshPeriods = 3

// fresh says whether origin read anything of device with authority less than three periods
// ago: who reaches nothing has no word to hold another's back with. Now is the greatest turn
// seen, so that the same content gives the same answer on every box.
func (f *Fold) fresh(device hw.DeviceID, origin journal.ID) bool {
	i, found := slices.BinarySearchFunc(f.visits[device], origin, visited.compare)
	if !found {
		return false
	}
	v := f.visits[device][i].good
	if v.Turn == 0 || v.Mode == journal.Island || v.Mode == journal.ModeUnknown {
		return false
	}
	return f.turn < v.Turn+freshPeriods*uint64(max(0, v.Period.Milliseconds()))
}

// Islands returns the keys of a device whose last word is an island's, in order. Whether that
// is shown depends on time, so whoever visits next has to take a stand on it.
func (f *Fold) Islands(device hw.DeviceID) []Key {
	d := f.devices[device]
	if d == nil || d.islands == 0 {
		return nil
	}
	return d.keys(device, d.isIsland)
}

// Last returns the last word on k, whoever's it is.
func (f *Fold) Last(k Key) (hw.Fact, bool) {
	d := f.devices[k.Device]
	from, to := d.of(k)
	return k.fact(d.greatest(from, to, all))
}

// Fact returns the fact the view shows for k.
func (f *Fold) Fact(k Key) (hw.Fact, bool) { return k.fact(f.shown(k)) }

// fact returns what r says, a register of k; nil says nothing.
func (k Key) fact(r *register) (hw.Fact, bool) {
	if r == nil {
		return hw.Fact{}, false
	}
	raw, err := journal.RawFact{Kind: k.Kind, Version: r.version}.Said([]byte(r.said))
	if err != nil {
		return hw.Fact{}, false // put parsed it before
	}
	fact := raw.Shown(r.batch.wallMS)
	fact.Device, fact.Component, fact.Group = k.Device, k.Component, k.Group
	return fact, true
}

// Outline calls fn with each fact that the view shows of a device, in order of key: removed ones are left out, and what the State and
// Attrs of components say.
func (f *Fold) Outline(device hw.DeviceID, fn func(hw.Fact)) {
	d := f.devices[device]
	var said []byte
	d.keys(device, func(from, to int) bool {
		first := &d.list[d.order[from]]
		k := Key{first.kind, device, first.name.component, first.name.group}
		r := f.shownOf(d, k, from, to)
		said = append(said[:0], r.said...)
		if x, ok := k.outline(r, said); ok && !x.Removed {
			fn(x)
		}
		return false
	})
}

// outline is fact without what the State and Attrs of a component say. said is what r says.
func (k Key) outline(r *register, said []byte) (hw.Fact, bool) {
	if k.Kind != hw.ComponentFact {
		return k.fact(r)
	}
	raw, err := journal.RawFact{Kind: k.Kind, Version: r.version}.Said(said)
	if err != nil {
		return hw.Fact{}, false
	}
	x := raw.Outline(r.batch.wallMS)
	if _, opaque := x.Value.(hw.Opaque); opaque { // whose bytes are said's
		return k.fact(r)
	}
	x.Device, x.Component, x.Group = k.Device, k.Component, k.Group
	return x, true
}

// Knows says whether a register or a visit speaks of device.
func (f *Fold) Knows(device hw.DeviceID) bool {
	return f.devices[device] != nil || len(f.visits[device]) > 0
}

// CountDevices returns of how many devices a visit is known, or a register when these are more.
func (f *Fold) CountDevices() int {
	n := len(f.devices)
	if f.devices[""] != nil { // the boxes
		n--
	}
	return max(n, len(f.visits))
}

// Count returns how many registers speak of a device, removed ones included.
func (f *Fold) Count(device hw.DeviceID) int {
	if d := f.devices[device]; d != nil {
		return d.things
	}
	return 0
}

// CountAll returns how many registers there are, of all devices and origins.
func (f *Fold) CountAll() int { return f.said }

// HasOf says whether there is a register for k of an origin.
func (f *Fold) HasOf(k Key, origin journal.ID) bool {
	d := f.devices[k.Device]
	from, to := d.of(k)
	for ; from < to; from++ {
		if d.list[d.order[from]].batch.order.Origin == origin {
			return true
		}
	}
	return false
}

// Has says whether there is a register for k, be it a removed one.
func (f *Fold) Has(k Key) bool {
	from, to := f.devices[k.Device].of(k)
	return from < to
}
