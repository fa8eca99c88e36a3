package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// ofHealth are the verdicts that tell why a device calls a part faulty: beside one of them that alert says nothing.
var ofHealth = [...]string{
	raid.CodeVolumeFailed, raid.CodeVolumeDegraded, raid.CodeBadBlocks, raid.CodeRebuild, raid.CodeBatteryBad, raid.CodeBatteryBusy, raid.CodePreservedCache,
	raid.CodeDriveFailed, raid.CodeDrivePredicted, raid.CodeMediaErrors, raid.CodeDriveForeign, raid.CodeDriveLocked, raid.CodeDriveWorn,
}

// Told are the alerts for people: a fault once, those of one component beside each other, verdicts first, and the components
// with the gravest first.
func Told(alerts []Alert) []Alert {
	why := map[string]bool{}
	worst := map[string]int{}
	for _, a := range alerts {
		if slices.Contains(ofHealth[:], a.Code) {
			why[a.Component] = true
			if id, ok := strings.CutPrefix(a.Component, raid.DrivePath); ok {
				why["controller/"+id] = true // an NVMe drive of an HPE server is its own controller, under the same name
			}
		}
		worst[a.Component] = max(worst[a.Component], levelRank(a.Level))
	}
	var out []Alert
	first := map[string]int{} // where a component stood first
	for i, a := range alerts {
		if _, seen := first[a.Component]; !seen {
			first[a.Component] = i
		}
		if a.Code == hw.AlertHealth && why[a.Component] {
			continue
		}
		out = append(out, a)
	}
	verdict := func(a Alert) int {
		if a.Says != "" {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(out, func(a, b Alert) int {
		return cmp.Or(worst[b.Component]-worst[a.Component], first[a.Component]-first[b.Component], verdict(a)-verdict(b), levelRank(b.Level)-levelRank(a.Level))
	})
	return out
}

// AlertOf is an open alert; what an audit found is told in words.
func AlertOf(component, code string, v hw.AlertValue) Alert {
	a := Alert{Component: component, Code: code, Level: v.Level.String(), Since: v.Since, Params: v.Params}
	if says, do, ok := raid.Text(code, pretty(v.Params)); ok {
		a.Says, a.Do = says, do
		if until, err := time.Parse(time.RFC3339, v.Params.Get("until")); err == nil {
			a.Until = until
		}
	}
	if code == redfishUnread {
		a.Says, a.Do = redfishWords(v.Params)
	}
	return a
}

// pretty are the parameters of a verdict as people write them.
func pretty(params hw.Attrs) hw.Attrs {
	out := slices.Clone(params)
	for i := range out {
		switch out[i].Key {
		case raid.KeyLevel:
			out[i].Value = levelName(out[i].Value)
		case raid.KeyMedia, raid.KeyBus:
			out[i].Value = technology(out[i].Value)
		}
	}
	return out
}

// technology writes a bus or a medium as people do: SAS, HDD, NVMe.
func technology(word string) string {
	if word == raid.BusNVMe {
		return "NVMe"
	}
	return strings.ToUpper(word)
}

// levelName writes a RAID level as people do: RAID 10.
func levelName(word string) string {
	if word == raid.LevelNone {
		return "single drive"
	}
	digits, found := strings.CutPrefix(word, "raid")
	if !found {
		return word
	}
	return "RAID " + strings.ToUpper(strings.ReplaceAll(strings.ReplaceAll(digits, "-or-", " or "), "raid", ""))
}

func (p RaidPart) word(key string) string { return cmp.Or(p.State.Get(key), p.Attrs.Get(key)) }

// Kind is the first word of the path: controller, battery, volume, drive, enclosure.
func (p RaidPart) Kind() string {
	kind, _, _ := strings.Cut(p.Path, "/")
	return kind
}

// ID is the rest of the path.
func (p RaidPart) ID() string {
	_, id, _ := strings.Cut(p.Path, "/")
	return id
}

// Facts are the words a person wants to know of the part, the first ones first.
func (p RaidPart) Facts() []string {
	var f facts
	if p.word(raid.KeyPresence) == raid.PresenceMissing {
		f.add("missing")
		p = p.identity()
	}
	switch p.Kind() {
	case "controller":
		p.controllerFacts(&f)
	case "battery":
		f.add(p.word(raid.KeyState))
	case "volume":
		p.volumeFacts(&f)
	case "drive":
		p.driveFacts(&f)
	default:
		f.add(p.word(raid.KeyState))
		if model := p.word(raid.KeyModel); model != p.Title {
			f.add(model)
		}
	}
	return f
}

// identity is the part without how it last was, which is no word on how it is.
func (p RaidPart) identity() RaidPart {
	p.State, p.Attrs = nil, slices.DeleteFunc(slices.Clone(p.Attrs), func(a hw.Attr) bool { return a.Key == raid.KeyState })
	return p
}

// Words tell that the part blinks.
func (a Act) Words() string {
	s := "blinks"
	if a.Phase != hw.ActDone.String() {
		s = "may blink"
	}
	if !a.Until.IsZero() {
		s += " until " + a.Until.Local().Format("2006-01-02 15:04")
	}
	if a.Who != "" {
		s += ", asked by " + a.Who
	}
	return s
}

// Doing is what runs on the part: rebuild 42 %, about 2 h left.
func (p RaidPart) Doing(now time.Time) string {
	o := p.Operation
	if o == nil {
		return ""
	}
	s := strings.ReplaceAll(o.Name, "-", " ")
	if o.Percent != nil {
		s += " " + strconv.FormatFloat(*o.Percent, 'f', -1, 64) + " %"
	}
	switch left := o.End.Sub(now); {
	case o.End.IsZero():
		s += ", end not known yet"
	case left > 0:
		s += ", about " + Ago(left) + " left, until " + o.End.Local().Format("2006-01-02 15:04")
	}
	return s
}

type facts []string

func (f *facts) add(words ...string) {
	for _, w := range words {
		if w != "" {
			*f = append(*f, w)
		}
	}
}

// with adds before and the word, when there is one.
func (f *facts) with(before, word string) {
	if word != "" {
		f.add(before + word)
	}
}

func (p RaidPart) controllerFacts(f *facts) {
	if p.ID() != p.Title {
		f.add(p.ID())
	}
	f.with("slot ", p.word(raid.KeySlot))
	f.with("firmware ", p.word(raid.KeyFirmware))
	if mode := p.word(raid.KeyMode); mode != raid.ModeRAID {
		f.with("mode ", mode)
	}
	switch n := p.bytes(raid.KeyCacheBytes); {
	case p.word(raid.KeyCacheBytes) == "0":
		f.add("no cache")
	case n != "":
		f.add("cache " + n)
	}
	if p.word(raid.KeyBattery) == raid.BatteryNone {
		f.add("no battery")
	}
	if r := p.word(raid.KeyPatrolRead); r != raid.PatrolNone {
		f.with("patrol read ", r)
	}
	if p.word(raid.KeyPreservedCache) == raid.Yes {
		f.add("preserved cache")
	}
}

func (p RaidPart) volumeFacts(f *facts) {
	f.add(levelName(p.word(raid.KeyLevel)), p.bytes(raid.KeySizeBytes), p.word(raid.KeyState))
	if left := p.word(raid.KeyRedundancyLeft); left != "" {
		f.add(left + " more may fail")
	}
	policy, inForce := p.word(raid.KeyWritePolicy), p.word(raid.KeyWritePolicyNow)
	f.add(cmp.Or(policy, inForce))
	if policy != "" && inForce != policy {
		f.with("now ", inForce)
	}
	f.with("write cache ", p.word(raid.KeyWriteCache))
	f.add(readWords(p.word(raid.KeyReadPolicy)))
	f.with("disk cache ", cmp.Or(p.word(raid.KeyDiskCache), p.word(raid.KeyDiskCacheNow)))
	if p.word(raid.KeyBadBlocks) == raid.Yes {
		f.add("bad blocks")
	}
	if p.word(raid.KeyPending) == raid.Yes {
		f.add("a change is pending")
	}
}

// readWords writes a read policy as people do.
func readWords(word string) string {
	switch word {
	case raid.ReadNone:
		return "no read-ahead"
	case raid.ReadAdaptive:
		return "adaptive read-ahead"
	}
	return word
}

func (p RaidPart) driveFacts(f *facts) {
	what := strings.Fields(p.bytes(raid.KeySizeBytes) + " " + technology(p.word(raid.KeyBus)) + " " + technology(p.word(raid.KeyMedia)))
	f.add(strings.Join(what, " "), p.word(raid.KeyState))
	if s := p.word(raid.KeySpare); s != "" && s != raid.SpareNone {
		f.add(s + " spare")
	}
	if p.word(raid.KeyPredicted) == raid.Yes {
		f.add("failure predicted")
	}
	if e := p.word(raid.KeyMediaErrors); e != raid.ErrorsNone {
		f.with("media errors ", e)
	}
	if w := p.word(raid.KeyWear); w != raid.WearGood {
		f.with("life left ", w)
	}
	f.with("cache ", p.word(raid.KeyWriteCache))
	f.add(p.word(raid.KeyModel))
	f.with("serial ", p.word(raid.KeySerial))
	f.with("firmware ", p.word(raid.KeyFirmware))
}

func (p RaidPart) bytes(key string) string {
	n, err := strconv.ParseInt(p.word(key), 10, 64)
	if err != nil || n <= 0 {
		return ""
	}
	return Bytes(n)
}

// SourceWords tells how RAID parts were read; empty when nothing says.
func (r Raid) SourceWords() string {
	switch {
	case len(r.Sources) == 0:
		return ""
	case len(r.Sources) > 1:
		return "Redfish and SNMP"
	case r.Sources[0] == raid.SourceSNMP:
		return "SNMP"
	}
	return "Redfish"
}
