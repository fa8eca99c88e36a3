package hw

// SampleType tells how a number behaves.
type SampleType uint8

// A gauge goes up and down; a counter only up, from its start.
const (
	Gauge SampleType = iota
	Counter
)

// String returns "gauge" or "counter".
func (t SampleType) String() string {
	if t == Counter {
		return "counter"
	}
	return "gauge"
}

// Sample is one number of one component, or the reason there is none.
type Sample struct {
	Component string
	Sensor    string // ends in the unit: inlet_celsius, rx_bytes_total
	Type      SampleType
	Gauge     float64 // when Type is Gauge
	Count     uint64  // when Type is Counter: raw, as the device said it
	StartMS   int64   // when the counter began at its start value, Unix ms; 0 is unknown. No rate crosses a change of it
	Absent    Reason  // not empty: there is no value, and this is why
}

// Reason is a code that says why something was not read. It is stored and shown, never
// compared with a text of the device.
type Reason string

// The reasons of absences and gaps.
const (
	NotSupported   Reason = "not-supported"   // the device has no such object
	NotInstalled   Reason = "not-installed"   // the slot is empty
	NotReady       Reason = "not-ready"       // the device says the value is not available now
	NoAnswer       Reason = "no-answer"       // timed out
	Refused        Reason = "refused"         // the port is closed
	AuthFailed     Reason = "auth-failed"     // credentials refused, nothing more is known
	UnknownUser    Reason = "unknown-user"    // SNMPv3 usmStatsUnknownUserNames
	WrongAuthKey   Reason = "wrong-auth-key"  // SNMPv3 usmStatsWrongDigests
	WrongPrivKey   Reason = "wrong-priv-key"  // SNMPv3 usmStatsDecryptionErrors, or silence to encrypted requests only
	AccessDenied   Reason = "access-denied"   // known, but may not read this
	LockedOut      Reason = "locked-out"      // refuses this address for a while after failed logins, whatever the password
	CertChanged    Reason = "cert-changed"    // shows another certificate than the one that was trusted
	DeviceError    Reason = "device-error"    // genErr and its like
	Garbage        Reason = "garbage"         // answered, but not with what was asked
	OutOfRange     Reason = "out-of-range"    // a number the object cannot have
	TooMuch        Reason = "too-much"        // more than the limit set for it
	Inconsistent   Reason = "inconsistent"    // changed while it was being read
	WrongKind      Reason = "wrong-kind"      // another sort of device than configured
	OutOfTime      Reason = "out-of-time"     // the visit's time was used up
	Cancelled      Reason = "cancelled"       // we stopped
	ApplianceDown  Reason = "appliance-down"  // the box was not running
	ApplianceCrash Reason = "appliance-crash" // the box did not stop in order
	Missed         Reason = "missed"          // due, but not made in time
	Dropped        Reason = "dropped"         // had, and given up for want of space
	Damaged        Reason = "damaged"         // had, and lost to a damaged page of the disk
	Lost           Reason = "lost"            // had, and no box of the site has it any more
	Unreachable    Reason = "unreachable"     // no route
)
