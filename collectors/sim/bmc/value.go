package bmc

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"time"
)

// object is a JSON object.
type object = map[string]any

// tree is the resources of a device by their paths.
type tree map[string]func(*moment) object

// link is a reference to another resource, and links a list of them.
func link(path string) object { return object{"@odata.id": path} }

func links(paths []string) []any {
	l := make([]any, len(paths))
	for i, p := range paths {
		l[i] = link(p)
	}
	return l
}

// resource completes a document with what every resource has. kind is the schema with its version: "Drive.v1_12_1.Drive".
func resource(path, kind, id, name string, props object) object {
	props["@odata.id"], props["@odata.type"] = path, "#"+kind
	props["@odata.context"] = "/redfish/v1/$metadata#" + plain(kind)
	props["Id"], props["Name"] = id, name
	return props
}

// plain is a type without its version: Drive.v1_12_1.Drive is Drive.Drive.
func plain(kind string) string {
	first, last := kind, kind
	for i := range kind {
		if kind[i] == '.' {
			first = kind[:i]
			break
		}
	}
	for i := len(kind) - 1; i >= 0; i-- {
		if kind[i] == '.' {
			last = kind[i+1:]
			break
		}
	}
	return first + "." + last
}

// collection adds a collection and its members' paths.
func (t tree) collection(path, kind, name string, members []string) {
	t[path] = func(*moment) object {
		return object{
			"@odata.id": path, "@odata.type": "#" + kind + "Collection." + kind + "Collection",
			"@odata.context": "/redfish/v1/$metadata#" + kind + "Collection." + kind + "Collection",
			"Name":           name, "Description": name, "Members": links(members), "Members@odata.count": len(members),
		}
	}
}

// status is a Status object of a part that is enabled.
func status(health string) object {
	return object{"Health": health, "HealthRollup": health, "State": "Enabled"}
}

// The values of Health.
const (
	healthOK       = "OK"
	healthWarning  = "Warning"
	healthCritical = "Critical"
)

// worst is the worse of some healths.
func worst(all ...string) string {
	w := healthOK
	for _, h := range all {
		if h == healthCritical || h == healthWarning && w == healthOK {
			w = h
		}
	}
	return w
}

// primary is Dell's PrimaryStatus of a health.
func primary(health string) string {
	switch health {
	case healthOK:
		return "OK"
	case healthWarning:
		return "Degraded"
	}
	return "Error"
}

// orNull is the text, or null where there is none.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// gauge swings between low and high in periods of about ten minutes, each key by itself.
func (m *moment) gauge(key uint64, low, high float64) float64 {
	period := float64(540 + key*37%240)
	phase := float64(mix(m.seed^key*0x9e37)%1000) / 1000
	return low + (high-low)*(0.5+0.5*math.Sin(2*math.Pi*(m.up.Seconds()/period+phase)))
}

// mix scatters a number over 64 bits (the finaliser of SplitMix64).
func mix(v uint64) uint64 {
	v += 0x9e3779b97f4a7c15
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}

// secret is 32 bytes of the device's own for a purpose.
func (b *BMC) secret(purpose string) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s %d %d %s", b.model.name, b.opt.Seed, b.opt.Number, purpose))
}

func (b *BMC) token(purpose string) string {
	sum := b.secret(purpose)
	return hex.EncodeToString(sum[:16])
}

// letter marks the unit in serials and addresses.
func (m *moment) letter() byte {
	if m.other {
		return 'B'
	}
	return 'A'
}

// tag is the service tag: seven of 0-9 and A-Z.
func (m *moment) tag() string { return fmt.Sprintf("S%c%04dX", m.letter(), m.number) }

// express is the express service code: the tag as a number of base 36.
func (m *moment) express() string {
	var n uint64
	for _, c := range m.tag() {
		v := uint64(c - '0')
		if c >= 'A' {
			v = uint64(c-'A') + 10
		}
		n = n*36 + v
	}
	return fmt.Sprint(n)
}

// serial is a serial number of ours for a part.
func (m *moment) serial(part string, n int) string {
	return fmt.Sprintf("SIM%04d%c%s%02d", m.number, m.letter(), part, n)
}

// mac is a locally administered address of ours.
func (m *moment) mac(port int) string {
	return fmt.Sprintf("02:%02X:%02X:%02X:00:%02X", m.letter(), m.number>>8, m.number&0xff, port)
}

// uuid is the server's.
func (m *moment) uuid() string {
	return fmt.Sprintf("4c4c4544-00%02x-%04d-8000-%012x", m.letter(), m.number, mix(m.seed)&0xffffffffffff)
}

// stamp is a time as an iDRAC writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }
