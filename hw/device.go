package hw

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// DeviceID names a configured position in the rack. It never changes, whatever unit
// stands there and whatever its address is.
type DeviceID string

// Device is a configured position: what is polled, where, and for whom.
type Device struct {
	ID       DeviceID
	Kind     string // the collector that speaks to it: "cisco-catalyst"
	Name     string // for people; the ID when empty
	Customer string // a label, never identity
	Rack     string
	Address  string // host or host:port
	Standby  string // the same of the other unit of a pair; empty when it is not asked
}

// Unit is the hardware found at a position. A changed serial is another unit: an event,
// and the end of every counter.
type Unit struct {
	Serial  string // ENTITY-MIB entPhysicalSerialNum of the chassis; empty when not told
	Model   string
	Version string // of the running software
	Name    string // what the device calls itself: sysName
	Uptime  time.Duration
	// Pair says that this is one of a failover pair that is one device: its other unit may
	// answer the next time, and that is no reason for alarm. Counters break all the same.
	Pair bool
}

// Attr is one named text of a component.
type Attr struct{ Key, Value string }

// Attrs are named texts in order of key, one for each key.
type Attrs []Attr

// Get returns the text under key, or "".
func (a Attrs) Get(key string) string {
	if i, ok := a.find(key); ok {
		return a[i].Value
	}
	return ""
}

// With returns a with key set to value; an empty value removes the key.
// It may reuse the memory of a.
func (a Attrs) With(key, value string) Attrs {
	i, found := a.find(key)
	switch {
	case found && value == "":
		return slices.Delete(a, i, i+1)
	case found:
		a[i].Value = value
		return a
	case value == "":
		return a
	}
	return slices.Insert(a, i, Attr{key, value})
}

func (a Attrs) find(key string) (int, bool) {
	return slices.BinarySearchFunc(a, key, func(x Attr, k string) int { return cmp.Compare(x.Key, k) })
}

// MarshalJSON writes the attributes as one object.
func (a Attrs) MarshalJSON() ([]byte, error) {
	m := make(map[string]string, len(a))
	for _, x := range a {
		m[x.Key] = x.Value
	}
	return json.Marshal(m)
}

// UnmarshalJSON reads the object MarshalJSON writes.
func (a *Attrs) UnmarshalJSON(b []byte) error {
	var m map[string]string
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*a = nil
	for k, v := range m {
		*a = a.With(k, v)
	}
	return nil
}
