package hw

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The acts besides Locate. What an act is about, where a component may have several, follows its
// name behind a "#": ActGroup.
const (
	ActAcknowledge = "acknowledge" // of an alert: acknowledge#code
	ActNote        = "note"        // on a part: note#id
	ActSilence     = "silence"     // no messages about a device
	ActTrust       = "trust"       // in the certificate a device shows now
	ActRetire      = "retire"      // of a box's journal, under no device: its disk is lost
)

// Phase is how far an act got. The zero value says that it may have been done.
type Phase uint8

// The phases. An act that needs no device is done when it is said.
const (
	ActUnknown Phase = iota
	ActIntended
	ActDone
	ActFailed
)

var phaseNames = [...]string{"unknown", "intended", "done", "failed"}

// String returns unknown, intended, done or failed.
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return phaseNames[ActUnknown]
}

// MarshalText writes the word.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// ActValue is what somebody did or wants done, and how far it got. Group: ActGroup.
type ActValue struct {
	Phase  Phase
	On     bool      // false ends what true began
	Who    string    // empty: the program itself
	Since  time.Time // when it was asked for
	Until  time.Time // when it ends by itself; zero: never
	Reason Reason    // why it failed or is not known
	Detail string    // the words of the error, or of the note
	Params Attrs     // what a message in any language needs
}

// LearnedValue is a text a collector must find again. Group: the key; no component.
type LearnedValue struct{ Value string }

// FactKind implements Value.
func (ActValue) FactKind() FactKind { return ActFact }

// FactKind implements Value.
func (LearnedValue) FactKind() FactKind { return LearnedFact }

const aboutMark = "#"

// ActGroup is the group of the register of an act: its name, or with about, which may be empty,
// name#about.
func ActGroup(name, about string) string {
	if about == "" {
		return name
	}
	return name + aboutMark + about
}

// CutAct is the inverse of ActGroup.
func CutAct(group string) (name, about string) {
	name, about, _ = strings.Cut(group, aboutMark)
	return name, about
}

// The bounds of what is said and learned.
const (
	// MaxLearned is how many texts may be learned of one device; a report with more says nothing of them.
	MaxLearned = 32
	// maxName is the length in bytes of a device, component or group of what is said.
	maxName = 256
)

// CheckSaid returns why f is nothing a person or the program may say of itself, or nil. Acts, what
// was learned and alerts of no device are said; the rest follows from visits.
func (f Fact) CheckSaid() error {
	switch {
	case f.Kind == ActFact, f.Kind == LearnedFact, f.Kind == AlertFact && f.Device == "":
	default:
		return fmt.Errorf("a fact of kind %s follows from a visit", f.Kind)
	}
	if f.Removed != (f.Value == nil) || f.Value != nil && f.Value.FactKind() != f.Kind {
		return fmt.Errorf("a fact of kind %s has a value that is not its own", f.Kind)
	}
	names := []string{string(f.Device), f.Component, f.Group}
	for _, s := range names {
		if len(s) > maxName || !isClean(s) {
			return fmt.Errorf("name %s: at most %d bytes of text without control characters", strconv.QuoteToASCII(s[:min(len(s), 40)]), maxName)
		}
	}
	if f.Group == "" {
		return fmt.Errorf("a fact of kind %s without a name", f.Kind)
	}
	return checkValue(f.Value)
}

func checkValue(v Value) error {
	texts := []string{}
	switch v := v.(type) {
	case nil:
	case LearnedValue:
		texts = append(texts, v.Value)
	case ActValue:
		if !v.Params.isClean() {
			return fmt.Errorf("the parameters of an act: at most %d, in order, with clean texts", maxAttrs)
		}
		texts = append(texts, v.Who, string(v.Reason), v.Detail)
	case AlertValue:
		if !v.Params.isClean() {
			return fmt.Errorf("the parameters of an alert: at most %d, in order, with clean texts", maxAttrs)
		}
	default:
		return fmt.Errorf("a value of a later version is not ours to say")
	}
	for _, s := range texts {
		if !isClean(s) {
			return fmt.Errorf("text %s: at most %d bytes without control characters", strconv.QuoteToASCII(s[:min(len(s), 40)]), maxText)
		}
	}
	return nil
}

// Clean returns s as a text that may be said: valid UTF-8 without control characters, at most 1 KiB.
func Clean(s string) string { return clean(s) }
