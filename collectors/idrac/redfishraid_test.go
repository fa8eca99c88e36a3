package idrac_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors"
	"rackpost/collectors/collectortest"
	"rackpost/collectors/idrac"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

// raidLab is a simulated server and a reader of its RAID parts.
type raidLab struct {
	*idrac.RAIDReader
	bmc    *bmc.BMC
	target collectors.Target
	clock  *collectortest.Clock // of the device and the reader
}

// newRAIDLab makes a lab in which nothing runs yet.
func newRAIDLab() *raidLab {
	return &raidLab{clock: collectortest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))}
}

// openRAID makes a server of a model that is read over Redfish alone.
func openRAID(t *testing.T, model string) *raidLab {
	t.Helper()
	l := newRAIDLab()
	l.bmc = l.model(t, model)
	l.serve(t, l.bmc.Handler(), "")
	return l
}

func (l *raidLab) model(t *testing.T, model string) *bmc.BMC {
	t.Helper()
	b, err := bmc.New(model, bmc.Options{Seed: 11, Number: 4, Clock: l.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// serve serves the device and makes the reader; with SNMP where agent is an address.
func (l *raidLab) serve(t *testing.T, h http.Handler, agent string) {
	t.Helper()
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	l.target = collectors.Target{
		Device:      hw.Device{ID: "srv", Kind: "dell-idrac", Address: strings.TrimPrefix(srv.URL, "https://")},
		Credentials: collectors.Credentials{User: bmc.DefaultUser, Password: bmc.DefaultPassword},
		SNMP:        agent, Memory: collectors.NewMemory(nil), Logger: slog.New(slog.DiscardHandler), Timeout: 5 * time.Second,
	}
	if agent != "" {
		l.target.Credentials.Community = "public"
	}
	l.restart(t)
}

// restart makes another reader that knows what was learned.
func (l *raidLab) restart(t *testing.T) {
	t.Helper()
	l.target.Memory = collectors.NewMemory(l.target.Memory.Learned())
	r, err := idrac.OpenRAID(l.target, l.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	l.RAIDReader = r
	t.Cleanup(func() { _ = r.Close(t.Context()) })
}

// visit reads and wants the section whole.
func (l *raidLab) visit(t *testing.T) hw.Report {
	t.Helper()
	r, err := l.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fault switches a fault on.
func (l *raidLab) fault(t *testing.T, line string) {
	t.Helper()
	name, arg, _ := strings.Cut(line, " ")
	if err := l.bmc.Fault(name, arg); err != nil {
		t.Fatal(err)
	}
}

// said is what the audit says, a line each; those it could not judge with "?".
func said(r hw.Report, undecided bool) []string {
	var out []string
	for _, v := range r.Verdicts {
		if level := v.Level.String(); v.Level > 0 {
			out = append(out, v.Component+" "+v.Code+" "+level)
		} else if undecided {
			out = append(out, v.Component+" "+v.Code+" ?")
		}
	}
	slices.Sort(out)
	return out
}

func raidExtent(r hw.Report) hw.Extent {
	for _, s := range r.Read {
		if s.Section == "raid" {
			return s.Extent
		}
	}
	return hw.Failed
}

// brief writes verdicts with the ids of the models cut short: one RAID controller is R, the backplane E.
func brief(list []string) []string {
	short := strings.NewReplacer(":Enclosure.Internal.0-1", "", ":RAID.Integrated.1-1", "", "RAID.Integrated.1-1", "R", "Battery.Integrated.1", "B", "Disk.Bay.", "", "Disk.Virtual.", "")
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = short.Replace(s)
	}
	slices.Sort(out)
	return out
}

// raidCase is a fault of a model, and what a storage engineer would say of it beside what was to say before.
type raidCase struct {
	fault string
	want  []string
	old   []string // over an iDRAC8 with SNMP, where that is another: it tells neither the state of a cache nor that of a drive's
}

// raidCases are faults of a server with a PERC, a mirror of two SATA SSDs, a RAID 10 of four SAS disks and a global spare of theirs.
func raidCases() []raidCase {
	rebuild := []string{"drive/6 raid-rebuild warning", "volume/1 raid-no-hot-spare warning", "volume/1 raid-rebuild warning", "volume/1 raid-volume-degraded high"}
	const forsaken0, forsaken1, dead = "volume/0 raid-write-back-unprotected high", "volume/1 raid-write-back-unprotected high", "battery/B raid-battery-bad high"
	degraded := []string{"volume/0 raid-write-cache warning", "volume/1 raid-write-cache warning"}
	return []raidCase{
		{"", nil, nil},
		{"drive-failed 2", append([]string{"drive/2 raid-drive-failed high"}, rebuild...), nil},
		{"drive-failed 0", []string{"drive/0 raid-drive-failed high", "volume/0 raid-volume-degraded high"}, nil},
		{"drive-predicted 3", []string{"drive/3 raid-drive-predicted high"}, nil},
		{"drive-predicted 6", []string{"drive/6 raid-drive-predicted high", "volume/1 raid-no-hot-spare warning"}, nil},
		{"drive-pulled 4", rebuild, nil},
		{"drive-pulled 1", []string{"volume/0 raid-volume-degraded high"}, nil},
		{"drive-replaced 3", []string{"drive/3 raid-rebuild warning", "volume/1 raid-rebuild warning", "volume/1 raid-volume-degraded high"}, nil},
		{"drive-foreign 2", []string{"drive/2 raid-drive-foreign average", "volume/1 raid-volume-degraded high"}, nil},
		{"drive-foreign 6", []string{"drive/6 raid-drive-foreign average", "volume/1 raid-no-hot-spare warning"}, nil},
		{"rebuild 5", []string{"drive/5 raid-rebuild warning", "volume/1 raid-rebuild warning", "volume/1 raid-volume-degraded high"}, nil},
		{"media-errors 3 60", []string{"drive/3 raid-media-errors average"}, nil},
		{"spare-removed", []string{"volume/1 raid-no-hot-spare warning"}, nil},
		{"firmware-mixed 4", []string{"drive/4 raid-drive-firmware warning"}, nil},
		{"battery-dead", append([]string{dead, forsaken0, forsaken1}, degraded...), []string{dead, forsaken0, forsaken1}},
		{"battery-learning", []string{"battery/B raid-battery-busy warning"}, nil},
		{"battery-missing", append([]string{forsaken0, forsaken1}, degraded...), []string{forsaken0, forsaken1}},
		{"policy-changed 1", []string{"volume/1 raid-write-back-forced high"}, nil},
		{"policy-changed 1 WriteThrough", nil, nil},
		{"disk-cache-on 0", []string{"volume/0 raid-disk-cache-on average"}, nil},
		{"disk-cache-on 1", []string{"volume/1 raid-disk-cache-on high"}, nil},
		{"disk-cache-on 1 Default", nil, []string{"volume/1 raid-disk-cache-unproven warning"}}, // every drive of the set says that its cache is off
		{"patrol-off", []string{"controller/R raid-patrol-read warning"}, nil},
		{"null-health", nil, nil},
		{"odd-types", nil, nil},
	}
}

// oneSpare is what is to say of the models at rest: the spare is no SSD.
const oneSpare = "volume/0 raid-no-hot-spare warning"

// longVisits are enough for each drive to have its turn of SMART, and for what is gone to be believed.
func (l *raidLab) longVisits(t *testing.T) hw.Report {
	t.Helper()
	for range 4 {
		l.clock.Pass(20 * time.Minute)
		l.visit(t)
	}
	return l.visit(t)
}

func TestWhatAStorageEngineerSays(t *testing.T) {
	t.Parallel()
	for _, c := range raidCases() {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			l := openRAID(t, "poweredge-r740")
			l.longVisits(t)
			if c.fault != "" {
				l.fault(t, c.fault)
			}
			r := l.longVisits(t)
			want := append([]string{oneSpare}, c.want...)
			slices.Sort(want)
			if d := cmp.Diff(want, brief(said(r, false))); d != "" || raidExtent(r) != hw.Complete {
				t.Errorf("%v: %s\n%v", raidExtent(r), d, r.Gaps)
			}
			if n := len(r.Gaps); n > 0 != (c.fault == "odd-types") {
				t.Errorf("gaps %v", r.Gaps)
			}
		})
	}
}

// What Redfish cannot tell of the R740 stays open, and nothing else.
func TestWhatRedfishLeavesOpen(t *testing.T) {
	t.Parallel()
	l := openRAID(t, "poweredge-r740")
	l.longVisits(t)
	want := []string{"controller/R raid-preserved-cache ?", "volume/0 raid-bad-blocks ?", oneSpare, "volume/1 raid-bad-blocks ?"}
	slices.Sort(want)
	if d := cmp.Diff(want, brief(said(l.longVisits(t), true))); d != "" {
		t.Error(d)
	}
}

func TestNVMeAndBOSS(t *testing.T) {
	t.Parallel()
	for _, c := range []raidCase{
		{"", nil, nil},
		{"drive-failed 1", []string{"drive/1 raid-drive-failed high"}, nil},
		{"drive-failed 100", []string{"drive/Disk.Direct.0-0:AHCI.SL.13-1 raid-drive-failed high", "volume/0:AHCI.SL.13-1 raid-volume-degraded high"}, nil},
		{"drive-pulled 2", nil, nil}, // that it is gone is not the audit's
		{"media-errors 3 60", []string{"drive/3 raid-media-errors average"}, nil},
		{"drive-predicted 0", []string{"drive/0 raid-drive-predicted high"}, nil},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			l := openRAID(t, "poweredge-r750")
			l.longVisits(t)
			if c.fault != "" {
				l.fault(t, c.fault)
			}
			r := l.longVisits(t)
			if d := cmp.Diff(c.want, brief(said(r, false)), cmp.Transformer("", func(s []string) []string { return append([]string{}, s...) })); d != "" || raidExtent(r) != hw.Complete {
				t.Errorf("%v: %s\n%v", raidExtent(r), d, r.Gaps)
			}
			for _, p := range r.Components {
				if strings.Contains(p.Path, "AHCI.Embedded") {
					t.Errorf("a chipset without drives is shown: %+v", p)
				}
			}
		})
	}
}

// An iDRAC8 tells levels and drives over Redfish and its policies over SNMP: together it is as good as an iDRAC9.
func TestIDRAC8WithSNMP(t *testing.T) {
	t.Parallel()
	for _, c := range raidCases() {
		switch name, _, _ := strings.Cut(c.fault, " "); name {
		case "media-errors", "null-health", "odd-types": // neither protocol of this generation counts; SNMP is another talk
			continue
		}
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			l := newRAIDLab()
			l.bmc = l.model(t, "poweredge-r630")
			if c.fault != "" {
				l.fault(t, c.fault)
			}
			a := &agent{tb: t, community: "public"}
			a.serve(rowsOf(l.bmc).device(t))
			t.Cleanup(a.stop)
			l.serve(t, l.bmc.Handler(), a.addr.String())
			for range 4 {
				l.clock.Pass(5 * time.Minute)
				l.visit(t)
			}
			r := l.visit(t)
			want := append([]string{oneSpare}, c.want...)
			if c.old != nil {
				want = append([]string{oneSpare}, c.old...)
			}
			slices.Sort(want)
			if d := cmp.Diff(want, brief(said(r, false))); d != "" || raidExtent(r) != hw.Complete {
				t.Errorf("%v: %s\n%v", raidExtent(r), d, r.Gaps)
			}
		})
	}
}

// Without SNMP what an iDRAC8 hides is told as not proven, and never as good.
func TestIDRAC8Alone(t *testing.T) {
	t.Parallel()
	l := openRAID(t, "poweredge-r630")
	r := l.longVisits(t)
	want := []string{
		"volume/0 raid-disk-cache-unproven warning", oneSpare, "volume/0 raid-write-policy-unproven warning",
		"volume/1 raid-disk-cache-unproven warning", "volume/1 raid-write-policy-unproven warning",
	}
	if d := cmp.Diff(want, brief(said(r, false))); d != "" || raidExtent(r) != hw.Complete {
		t.Error(raidExtent(r), d)
	}
}

// rowsOf are the rows of a simulated server's agent.
func rowsOf(b *bmc.BMC) mibRows {
	rows := mibRows{}
	for _, r := range b.Rows() {
		rows[r.OID] = strconv.Itoa(int(r.Type)) + "|" + string(r.Value)
	}
	return rows
}
