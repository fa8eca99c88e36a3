package hw

import (
	"fmt"
	"slices"
)

// Health is the judgement on a component. Unknown is the zero value: never a fault,
// never OK.
type Health uint8

// The healths, in order of gravity.
const (
	Unknown Health = iota
	OK
	Warning
	Critical
)

var healthNames = [...]string{"unknown", "ok", "warning", "critical"}

// String returns the word used in every answer: unknown, ok, warning or critical.
func (h Health) String() string {
	if int(h) < len(healthNames) {
		return healthNames[h]
	}
	return healthNames[Unknown]
}

// MarshalText writes the word.
func (h Health) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the word.
func (h *Health) UnmarshalText(b []byte) error {
	i := slices.Index(healthNames[:], string(b))
	if i < 0 {
		return fmt.Errorf("health %q: want ok, warning, critical or unknown", b)
	}
	*h = Health(i)
	return nil
}

// Component is a part of a device as one section of a visit saw it.
type Component struct {
	Path    string // stable: "port/Gi1/0/1", "member/2", "failover/primary"
	Section string // the section that read it; only that section's complete reading can remove it
	Health  Health
	State   Attrs // what changes by itself: oper, admin, role
	Attrs   Attrs // what people or inventory set: alias, model, serial
	// Expected says that this part's absence is a fault, not a change: a stack member,
	// a power supply. Once seen it stays, missing, until it returns or a person removes it.
	Expected bool
}
