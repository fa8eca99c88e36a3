package main

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"rackpost/hw"
)

// foundMark begins the comment above a device that was found, and foundAt that of one which
// is only noted. By them a later run knows what was written before.
var (
	foundAt     = regexp.MustCompile(`(?m)^[ \t]*# found \d{4}-\d\d-\d\d at ([^\s]+): `)
	foundSerial = regexp.MustCompile(`(?m)^[ \t]*# found \d{4}-\d\d-\d\d: [^\n]*, serial (\S+?)\r?\n[ \t]*- +id: *"?([a-z0-9._-]+)"?`)
)

// written is what a site.yaml already tells.
type written struct {
	ids     []string          // of its devices, and of those to be added
	units   []knownUnit       // what its devices say now
	noted   map[string]bool   // addresses that stand in a comment of an earlier run
	serials map[string]string // the device of a unit: of those to be added, and of those with such a comment
}

func newWritten(data []byte, site siteConfig, units []knownUnit) *written {
	w := &written{units: units, noted: map[string]bool{}, serials: map[string]string{}}
	for _, d := range site.devices {
		w.ids = append(w.ids, string(d.Target.Device.ID))
	}
	for _, m := range foundAt.FindAllSubmatch(data, -1) {
		w.noted[addressKey(string(m[1]))] = true
	}
	for _, m := range foundSerial.FindAllSubmatch(data, -1) {
		w.noteSerial(string(m[2]), string(m[1]), site)
	}
	for _, u := range units {
		if u.answer.Serial != "" {
			w.serials[unitKey(u.answer.Kind, printable(u.answer.Serial))] = string(u.device)
		}
	}
	return w
}

// noteSerial takes over what a comment says of a device that does not tell it now.
func (w *written) noteSerial(id, serial string, site siteConfig) {
	for _, u := range w.units {
		if string(u.device) == id && u.answer.Serial != "" {
			return
		}
	}
	for _, d := range site.devices {
		if string(d.Target.Device.ID) == id {
			w.serials[unitKey(d.Target.Device.Kind, serial)] = id
		}
	}
}

// unitKey tells the units apart.
func unitKey(kind, serial string) string { return kind + " " + serial }

// addressKey is the same for addresses that mean the same.
func addressKey(address string) string {
	host, port, err := splitAddress(address)
	if err != nil {
		return address
	}
	if port == "161" {
		port = ""
	}
	return net.JoinHostPort(strings.ToLower(host), port)
}

// newID makes an id that none of the others is: of the name without its domain, else of all of
// it, else with a number.
func newID(name, address string, taken []string) string {
	host, _, _ := strings.Cut(name, ".")
	tries := []string{idOf(host), idOf(name)}
	if tries[0] == "" {
		tries = []string{idOf("device-" + address)}
	}
	for _, id := range tries {
		if id != "" && !slices.Contains(taken, id) {
			return id
		}
	}
	for n := 2; ; n++ {
		if id := fmt.Sprintf("%.58s-%d", tries[0], n); !slices.Contains(taken, id) {
			return id
		}
	}
}

// idOf makes a valid id of a text, or nothing.
func idOf(s string) string {
	const most = 64
	id := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		}
		return '-'
	}, strings.ToLower(s))
	id = strings.Trim(id, "-._")
	if len(id) > most {
		id = strings.TrimRight(id[:most], "-._")
	}
	return id
}

// labelOf makes a name for people of what a device says; empty where that is none.
func labelOf(s string) string {
	r := []rune(printable(s))
	s = strings.TrimSpace(string(r[:min(len(r), hw.MaxName)]))
	if hw.CheckName(s) != nil {
		return ""
	}
	return s
}

// printable drops what may not stand on a line of the file.
func printable(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))), " ")
}

// firstWords is what a comment tells of sysDescr.
func firstWords(s string) string {
	const most = 72
	r := []rune(printable(s))
	if len(r) <= most {
		return string(r)
	}
	cut := string(r[:most])
	if i := strings.LastIndexByte(cut, ' '); i > most/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, ",;: ") + " ..."
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/-]*( [A-Za-z0-9._/-]+)*$`)
	yamlWords = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
)

// yamlText writes a printable text as a scalar.
func yamlText(s string) string {
	a, err := netip.ParseAddr(s)
	ap, portErr := netip.ParseAddrPort(s)
	switch {
	case err == nil && a.Is4(), portErr == nil && ap.Addr().Is4():
		return s
	case plainText.MatchString(s) && !slices.Contains(yamlWords, strings.ToLower(s)):
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// deviceLines are the lines of one device.
func deviceLines(comment string, pairs ...[2]string) []string {
	lines := []string{"# " + comment}
	lead := "- "
	for _, p := range pairs {
		if p[1] == "" {
			continue
		}
		lines = append(lines, lead+p[0]+": "+yamlText(p[1]))
		lead = "  "
	}
	return lines
}

// sameDevices reports whether a site has the devices of another one, unchanged and first,
// and then these.
func sameDevices(before, after siteConfig, added []string) error {
	if after.id != before.id || after.name != before.name || len(after.devices) != len(before.devices)+len(added) {
		return fmt.Errorf("the file would then have %d devices, not %d", len(after.devices), len(before.devices)+len(added))
	}
	for i, d := range after.devices {
		if i >= len(before.devices) {
			if id := added[i-len(before.devices)]; string(d.Target.Device.ID) != id {
				return fmt.Errorf("%s would be read as %s", id, d.Target.Device.ID)
			}
			continue
		}
		b := before.devices[i]
		if d.Target.Device != b.Target.Device || d.Target.Timeout != b.Target.Timeout || !maps.Equal(d.Periods, b.Periods) {
			return fmt.Errorf("the device %s would be changed", b.Target.Device.ID)
		}
	}
	return nil
}
