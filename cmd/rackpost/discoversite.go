package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/discovery"
	"rackpost/hw"
)

// resolveTime bounds how long all host names of a site may take to be looked up.
const resolveTime = 5 * time.Second

// devicesByAddress returns the ids of the site's devices by the keys of their addresses, also of
// those that its host names stand for.
func devicesByAddress(ctx context.Context, site siteConfig) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	ids := map[string]string{}
	for _, d := range site.devices {
		id := string(d.Target.Device.ID)
		ids[addressKey(d.Target.Device.Address)] = id
		host, port, err := splitAddress(d.Target.Device.Address)
		if _, numeric := netip.ParseAddr(host); err != nil || numeric == nil {
			continue
		}
		found, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", host) // a name that means nothing now hides nothing
		for _, ip := range found {
			ids[keyOf(ip, port)] = id
		}
	}
	return ids
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// knownUnit is what stands at a device of the site.
type knownUnit struct {
	device hw.DeviceID
	answer collectors.Answer
}

// askKnown asks the site's own devices, when new ones were found, who they are: a new one may be
// another address of theirs, or the other unit of a pair. Those that do not answer are taken
// for others.
func (s *search) askKnown(ctx context.Context, found []finding) error {
	var logins []discovery.Login
	var places []discovery.Place
	for _, d := range s.site.devices {
		target := d.Target
		wanted := slices.ContainsFunc(found, func(f finding) bool { return f.Found == foundNew && f.Kind == target.Device.Kind })
		host, port, err := splitAddress(target.Device.Address)
		if !wanted || err != nil || target.Credentials == (collectors.Credentials{}) {
			continue
		}
		p := askedAt(host, port).Place
		p.Kind, p.Login = d.Kind.Name, string(target.Device.ID)
		logins = append(logins, discovery.Login{Name: p.Login, Credentials: target.Credentials})
		places = append(places, p)
	}
	if len(places) == 0 {
		return nil
	}
	results, err := discovery.Run(ctx, discovery.Config{Kinds: askers(), Logins: logins, Rate: s.flags.rate, Timeout: s.timeout}, places)
	for i, r := range results {
		if r.Reason == "" {
			s.units = append(s.units, knownUnit{hw.DeviceID(places[i].Login), r.Answer})
		}
	}
	return err
}

// add writes what was found into the site, as it is by now, and returns the lines and the
// number of devices. With -dry-run nothing is written. With an error, lines that are not empty
// could not be put into the file.
func (s *search) add(found []finding) (lines string, added int, err error) {
	before, err := s.file.read()
	if err != nil {
		return "", 0, err
	}
	site, err := s.parse(before)
	if err != nil {
		return "", 0, err
	}
	have := devicesByAddress(context.Background(), site)
	for i := range found {
		if id := have[addressKey(found[i].Address)]; id != "" {
			found[i].Found, found[i].Device = foundKnown, id
		}
	}
	w := newWritten(before, site, s.units)
	w.settle(found)
	blocks, ids := w.blocks(found, s.today)
	for _, b := range blocks {
		lines += "  " + strings.Join(b, "\n  ") + "\n"
	}
	after, err := addToDevices(s.file.path, before, blocks, len(ids) > 0)
	if err != nil {
		return lines, 0, err
	}
	then, err := s.parse(after)
	if err == nil {
		err = sameDevices(site, then, ids)
	}
	if err != nil || s.flags.dryRun || lines == "" && s.file.fresh == nil {
		return lines, 0, err
	}
	return lines, len(ids), s.file.write(before, after)
}

// settle gives every new device its id, and finds those that are another address of one.
// A pair is known by the address of its active unit, whatever the order.
func (w *written) settle(found []finding) {
	for _, standby := range []bool{false, true} {
		for i := range found {
			if f := &found[i]; f.Found == foundNew && f.standby == standby {
				w.settleOne(f, found)
			}
		}
	}
}

func (w *written) settleOne(f *finding, found []finding) {
	if id, same := w.serials[unitKey(f.Kind, f.Serial)]; same && f.Serial != "" {
		f.Found, f.Device = foundSame, id
		return
	}
	if id := w.pairOf(f, found); id != "" {
		f.Found, f.Device = foundPair, id
		return
	}
	f.Device = newID(f.Name, f.Address, w.ids)
	w.ids = append(w.ids, f.Device)
	if f.Serial != "" {
		w.serials[unitKey(f.Kind, f.Serial)] = f.Device
	}
}

// pairOf returns the device whose other unit f is: a unit of a pair has the name of its mate.
func (w *written) pairOf(f *finding, found []finding) string {
	if !f.pair || f.Name == "" {
		return ""
	}
	for _, u := range w.units {
		if u.answer.Pair && u.answer.Kind == f.Kind && printable(u.answer.Name) == f.Name {
			return string(u.device)
		}
	}
	for i := range found {
		if o := &found[i]; o != f && o.Found == foundNew && o.Device != "" && o.pair && o.Kind == f.Kind && o.Name == f.Name {
			return o.Device
		}
	}
	return ""
}

// blocks are the lines to be added, and the ids of the devices among them.
func (w *written) blocks(found []finding, date string) (blocks [][]string, ids []string) {
	for _, f := range found {
		if f.Found == foundNew {
			blocks, ids = append(blocks, f.lines(date)), append(ids, f.Device)
			continue
		}
		if about := f.about(); about != "" && !w.noted[addressKey(f.Address)] {
			blocks = append(blocks, []string{fmt.Sprintf("# found %s at %s: %s", date, f.Address, about)})
		}
	}
	return blocks, ids
}

// lines are those of a new device.
func (f finding) lines(date string) []string {
	comment := "found " + date + ": " + firstWords(f.Description)
	if k := f.asked.Kind; k != "" && k != f.Kind {
		comment += ", listed as " + k
	}
	if f.Serial != "" {
		comment += ", serial " + f.Serial
	}
	if f.Beside != "" {
		comment += fmt.Sprintf("; its SNMP answers to %s: write the community under %s too, and it is read over both", printable(f.Beside), printable(f.Credentials))
	}
	name := f.asked.name
	if name == "" {
		name = labelOf(f.Name)
	}
	if name == "" {
		name = f.Device
	}
	return deviceLines(comment, [2]string{"id", f.Device}, [2]string{"kind", f.Kind}, [2]string{"name", name}, [2]string{"address", f.Address},
		[2]string{"customer", f.asked.customer}, [2]string{"rack", f.asked.rack}, [2]string{"credentials", f.Credentials})
}

// about is what a comment says of an address that becomes no device; empty: nothing.
func (f finding) about() string {
	switch {
	case f.Found == foundSame:
		return fmt.Sprintf("the same device as %s, serial %s", f.Device, f.Serial)
	case f.Found == foundPair:
		return fmt.Sprintf("the other unit of the failover pair %s", f.Device)
	case f.Found == foundForeign && f.Description == "":
		return "it answers, and does not say what it is"
	case f.Found == foundForeign:
		return "of no kind we know: " + strings.TrimSpace(firstWords(f.Name+" "+f.Description))
	case f.Found == foundDenied && f.Reason == hw.Garbage:
		return "what answers there makes no sense"
	case f.Found == foundDenied:
		return fmt.Sprintf("it answers, and not to the credentials %s (%s)", printable(f.Credentials), f.Reason)
	}
	return ""
}
