package bmc

import "time"

// state is what a server is made of, and what faults have changed of it.
type state struct {
	hardware
	on       map[string]string // faults switched on, with their arguments
	led      bool              // the server's locator
	other    bool
	lockdown bool
	hot      float64 // inlet, degrees Celsius; 0 is as usual
	patrol   bool    // patrol read runs
	jobs     []job
	issued   int // jobs ever made
	lc, sel  journal
	reset    resetting
	talk     talk
}

func newState(m *model, now time.Time) state {
	s := state{on: map[string]string{}, patrol: true}
	if m.parts != nil {
		s.hardware = m.parts()
	}
	s.lc = newJournal(lcHistory, 500_000, now)
	s.sel = newJournal(selHistory, 1024, now)
	return s
}

// talk is how answers are given.
type talk struct {
	silent, half, huge, first, null, odd bool
	mute                                 bool // SNMP is silent too
	html, plain, oldTLS                  bool
	busy, notReady, noLogin, lockedOut   bool

	garbage     uint64 // 0 is none; else a further one each answer
	retry       time.Duration
	delay       time.Duration
	slowPart    string // of a path; the others are not slow
	failPart    string // of a path; those that have it get 500
	expand      string // how $expand is wrong; empty is not
	certificate int
}

// resetting is a restart of the controller. The zero value is none.
type resetting struct {
	requests int // until the connection is cut
	armed    bool
	at       time.Time // when it was cut; zero is not yet
	lasts    time.Duration
}

// The parts of a restart: nobody answers in the first half of it, and in the second one collections are empty.
const (
	resetNone = iota
	resetDown
	resetEmpty
)

func (r *resetting) phase(now time.Time) int {
	switch since := now.Sub(r.at); {
	case r.at.IsZero() || since >= r.lasts:
		return resetNone
	case since < r.lasts/2:
		return resetDown
	}
	return resetEmpty
}

// hardware is the parts of a server.
type hardware struct {
	controllers []controller
	enclosures  []enclosure
	drives      []drive
	volumes     []volume
	fans        []fan
	supplies    []supply
	adapters    []adapter
	dimms       int // GiB each
	memory      int // GiB of one
	sockets     int
	processor   string
	cores       int
	watts       float64 // at rest
}

// The sorts of controllers.
const (
	perc = iota
	boss
	chipset // AHCI on the board
	direct  // NVMe at the processor
	smart   // HPE Smart Array
)

type controller struct {
	fqdd, label, model, firmware string
	sort                         int
	cacheMiB                     int
	battery                      string // RAIDState; empty is none
	slot                         any    // PCISlot
}

type enclosure struct {
	id, name, firmware string
	slots              int
}

type drive struct {
	id, controller, enclosure string
	label                     string // as printed on the metal
	bay                       int
	bytes                     int64
	media, protocol           string
	maker, model, revision    string
	blockBytes                int
	rpm                       int
	life                      int    // percent left; -1 is not told
	spare                     string // HotspareType

	failed, predicted, pulled, foreign, led bool
	replaced                                int // how often
	errors                                  uint64
	errorsSince                             time.Time
	errorsHourly                            float64
	rebuild                                 progress
}

// progress is an operation that runs by time. The zero value is none.
type progress struct {
	since time.Time
	lasts time.Duration
}

func (p progress) running(now time.Time) bool { return p.lasts > 0 && now.Before(p.since.Add(p.lasts)) }

// percent is 0 to 99 while it runs, 100 afterwards.
func (p progress) percent(now time.Time) int {
	if !p.running(now) {
		return 100
	}
	return int(min(99, max(0, 100*now.Sub(p.since)/p.lasts)))
}

type volume struct {
	id, controller, name string
	level                string // RAIDType; empty is a drive alone
	bytes                int64
	drives               []int // of hardware.drives
	took                 map[int]int
	read, write, disk    string // policies as Dell's own words
}

type fan struct {
	name   string
	failed bool
}

type supply struct {
	watts int
	out   bool
}

type adapter struct {
	fqdd, maker, model, firmware string
	ports                        []bool // whether the link is up
	mbits                        int
}

// drive returns the drive of a bay that is not one of a mirrored boot device, or nil.
func (h *hardware) drive(bay int) *drive {
	for i := range h.drives {
		if h.drives[i].bay == bay {
			return &h.drives[i]
		}
	}
	return nil
}

func (h *hardware) of(controller string) (drives []*drive, volumes []*volume) {
	for i := range h.drives {
		if h.drives[i].controller == controller {
			drives = append(drives, &h.drives[i])
		}
	}
	for i := range h.volumes {
		if h.volumes[i].controller == controller {
			volumes = append(volumes, &h.volumes[i])
		}
	}
	return drives, volumes
}

// health of a drive.
func (d *drive) health() string {
	switch {
	case d.failed:
		return healthCritical
	case d.predicted || d.foreign:
		return healthWarning
	}
	return healthOK
}

// serves says whether a drive holds its part of a volume whole.
func (d *drive) serves(now time.Time) bool {
	return !d.failed && !d.pulled && !d.foreign && !d.rebuild.running(now)
}

// members are the drives of a volume, a hot spare in the place of the drive it took over from.
func (h *hardware) members(v *volume) []*drive {
	var all []*drive
	for _, i := range v.drives {
		if by, ok := v.took[i]; ok {
			i = by
		}
		all = append(all, &h.drives[i])
	}
	return all
}

// The states of a volume.
const (
	volumeOnline   = "Online"
	volumeDegraded = "Degraded"
	volumeFailed   = "Failed"
)

// condition is the state of a volume: mirrors of two, striped or not.
func (h *hardware) condition(v *volume, now time.Time) string {
	members, lost := h.members(v), 0
	for i := 0; i < len(members); i += 2 {
		span := members[i:min(i+2, len(members))]
		gone := 0
		for _, d := range span {
			if !d.serves(now) {
				gone++
			}
		}
		if gone == len(span) {
			return volumeFailed
		}
		lost += gone
	}
	if lost > 0 {
		return volumeDegraded
	}
	return volumeOnline
}

func volumeHealth(condition string) string {
	switch condition {
	case volumeOnline:
		return healthOK
	case volumeDegraded:
		return healthWarning
	}
	return healthCritical
}

// rebuilding is the drive of a volume that is being rebuilt, or nil.
func (h *hardware) rebuilding(v *volume, now time.Time) *drive {
	for _, d := range h.members(v) {
		if d.rebuild.running(now) {
			return d
		}
	}
	return nil
}

// batteryHealth is what a RAIDState means.
func batteryHealth(state string) string {
	switch state {
	case "Failed":
		return healthCritical
	case "Ready", "", "Charging", "BatteryLearn":
		return healthOK
	}
	return healthWarning
}

// health of a controller and all behind it.
func (h *hardware) health(c *controller, now time.Time) string {
	drives, volumes := h.of(c.fqdd)
	w := batteryHealth(c.battery)
	if c.sort == perc && c.battery == "" {
		w = healthWarning
	}
	for _, d := range drives {
		if !d.pulled {
			w = worst(w, d.health())
		}
	}
	for _, v := range volumes {
		w = worst(w, volumeHealth(h.condition(v, now)))
	}
	return w
}
