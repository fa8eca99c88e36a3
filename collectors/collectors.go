// Package collectors visits devices: when, how often, how many at once, and what a
// collector must promise.
package collectors

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// Collector speaks to one device. It holds at most one session and has at most one
// request in flight. Its methods are not called concurrently.
type Collector interface {
	// Collect makes one visit and reads the sections that are due. It returns an error only
	// when nothing at all was read; whatever was read comes back as a report whose gaps
	// and partial scopes name the rest. It returns soon after ctx ends. With an error, only
	// the report's Requests count. What it returned is the caller's;
	// the collector may hold the same attributes and does not change them. Sections it names in
	// Hasten are read soon.
	Collect(ctx context.Context, due []Section) (hw.Report, error)
	// Close ends the session with the device. The collector is not used again.
	Close(ctx context.Context) error
}

// Actor is a Collector whose device can be told to do something.
type Actor interface {
	// Act does a through the session of the visits. It is not called concurrently with
	// Collect. The reason of its error is NotSupported where the part cannot do it.
	Act(ctx context.Context, a hw.Action) error
}

// Section is a part of a visit with its own period. A kind's section with period 0 is off
// unless it is configured.
type Section struct {
	Name   string
	Period time.Duration
	// First says that others due with it are read in a visit that follows at once, when its report
	// is stored: that does not wait for them.
	First bool
}

// Kind makes collectors of one sort.
type Kind struct {
	Name     string
	Sections []Section
	// New makes a collector for one device. It does not speak to the device.
	New func(Target) (Collector, error)
	// LoginLimited says that the device locks us out after a few failed logins: the poller
	// stops visiting after two. An iDRAC is; SNMP has no lock-out.
	LoginLimited bool
	// Subtrees are the OID subtrees a capture of such a device should hold, and no more:
	// tables, not MIB roots. A kind without SNMP has none.
	Subtrees []string
	// Pairs says that a device of this kind may be a pair whose other unit has an address of
	// its own: hw.Device.Standby.
	Pairs bool
	// Protocol names what Ask speaks, such as "snmp": of kinds with the same one, the first
	// asks for all.
	Protocol string
	// Ask tells what stands at the target, whatever its kind. Nil: it cannot be asked.
	Ask Asker
	// AskWith says whether credentials are such as Ask needs. Nil: whatever New takes.
	AskWith func(Credentials) bool
	// ObjectIDs are what sysObjectID begins with on devices of this kind whose Protocol is not SNMP:
	// by it they are known where SNMP alone answers.
	ObjectIDs []string
	// Grant tells in lines for people how to let the credentials read everything, for a device
	// of this kind that answers and does not show it. Nil: nothing is known.
	Grant func(Credentials) string
}

// has says whether a section of that name is one of k's.
func (k Kind) has(section string) bool {
	return slices.ContainsFunc(k.Sections, func(s Section) bool { return s.Name == section })
}

// Target is a device and what is needed to speak to it.
type Target struct {
	Device      hw.Device
	Credentials Credentials
	SNMP        string        // host or host:port of the agent beside Redfish; empty: the host of Device.Address
	LegacyTLS   bool          // TLS 1.0 and RSA key exchange are allowed: old iDRAC 7 and 8 offer nothing else
	Box         string        // this box among those of a pair that may visit the same device; empty: a lone box. The poller sets it
	Once        bool          // one visit beside a service that may visit the same device: a probe
	Policy      raid.Policy   // what is wanted of its RAID sets; the zero value is the default
	Timeout     time.Duration // of one request; 0 is the kind's default
	Rate        float64       // requests a second at most over Redfish; 0 is the client's default. More is for what is simulated
	Memory      *Memory       // kept from one collector of this device to the next; never nil in New
	Logger      *slog.Logger  // never nil in New
}

// Credentials are what a device wants to know of us. Only the fields of the device's
// protocols are set: of a server those of Redfish, of SNMP, or both.
type Credentials struct {
	Community string // SNMP v2c
	V3        *V3    // SNMP v3; wins over Community
	User      string // Redfish
	Password  string
}

// SNMP says whether they hold what SNMP wants.
func (c Credentials) SNMP() bool { return c.Community != "" || c.V3 != nil }

// V3 is an SNMPv3 user. An empty AuthProtocol is noAuthNoPriv, an empty PrivProtocol
// is authNoPriv.
type V3 struct {
	User         string
	AuthProtocol string // MD5, SHA, SHA224, SHA256, SHA384, SHA512
	AuthKey      string
	PrivProtocol string // DES, AES, AES192, AES256 (Blumenthal), AES192C, AES256C (Reeder, Cisco's)
	PrivKey      string
	Context      string
}

// VisitError is the error of a visit that read nothing, with the reason as a code and,
// where the protocol tells, what to do about it.
type VisitError struct {
	Reason hw.Reason
	Hint   string // what a person should check; may be empty
	Err    error
	// RetryAfter is how long the device asked to be left alone, 0 when it did not. The poller
	// obeys up to an hour of it.
	RetryAfter time.Duration
}

// Error returns what was being done and what to check.
func (e *VisitError) Error() string {
	s := string(e.Reason)
	if e.Err != nil {
		s = e.Err.Error()
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *VisitError) Unwrap() error { return e.Err }

// ReasonOf returns the code for err: that of a VisitError in it, Cancelled or OutOfTime for
// the context's errors, else DeviceError.
func ReasonOf(err error) hw.Reason {
	var v *VisitError
	switch {
	case errors.As(err, &v):
		return v.Reason
	case errors.Is(err, context.Canceled):
		return hw.Cancelled
	case errors.Is(err, context.DeadlineExceeded):
		return hw.OutOfTime
	}
	return hw.DeviceError
}

// Sink takes reports. Put returns when the report is durable, or with the reason why it
// never will be. *store.Store is one.
type Sink interface {
	Put(ctx context.Context, r hw.Report) error
}
