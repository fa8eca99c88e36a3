package snmp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
	"rackpost/hw"
)

// The usmStats objects of SNMP-USER-BASED-SM-MIB, 1.3.6.1.6.3.15.1.1.N, that a Report names.
const (
	unsupportedSecLevels = 1
	notInTimeWindows     = 2
	unknownUserNames     = 3
	unknownEngineIDs     = 4
	wrongDigests         = 5
	decryptionErrors     = 6
)

// reportReason translates a Report. Reports of this sort are not authenticated: they
// explain a failure, they never cause one.
func reportReason(n int) hw.Reason {
	switch n {
	case unknownUserNames:
		return hw.UnknownUser
	case wrongDigests:
		return hw.WrongAuthKey
	case decryptionErrors:
		return hw.WrongPrivKey
	}
	return hw.AuthFailed
}

func reportName(n int) string {
	names := []string{
		unsupportedSecLevels: "usmStatsUnsupportedSecLevels", notInTimeWindows: "usmStatsNotInTimeWindows",
		unknownUserNames: "usmStatsUnknownUserNames", unknownEngineIDs: "usmStatsUnknownEngineIDs",
		wrongDigests: "usmStatsWrongDigests", decryptionErrors: "usmStatsDecryptionErrors",
	}
	if n > 0 && n < len(names) {
		return names[n]
	}
	return fmt.Sprintf("usmStats %d", n)
}

func isAuth(r hw.Reason) bool {
	switch r {
	case hw.AuthFailed, hw.UnknownUser, hw.WrongAuthKey, hw.WrongPrivKey:
		return true
	}
	return false
}

// notAuthentic reports whether gosnmp refused an answer for its authentication. gosnmp has
// no error value for it.
func notAuthentic(err error) bool {
	return strings.Contains(err.Error(), "not authentic") || errors.Is(err, gosnmp.ErrNotInTimeWindow) ||
		errors.Is(err, gosnmp.ErrUnknownEngineID)
}

// diagnose tells a wrong privacy key, which most agents meet with silence, from a silent
// device: it asks once more with authentication alone. A session that worked before is not
// asked again.
func (s *Session) diagnose(ctx context.Context, f *failure) *failure {
	v := s.target.Credentials.V3
	if v == nil || v.PrivProtocol == "" || f.reason != hw.NoAnswer || s.proven || !s.guard.heard {
		return f
	}
	if err := s.dial(ctx, gosnmp.AuthNoPriv); err != nil {
		return f
	}
	_, err := s.send(s.target.Timeout, func(x *gosnmp.GoSNMP) (*gosnmp.SnmpPacket, error) {
		return x.Get([]string{upTimeOID})
	})
	if err == nil {
		return &failure{reason: hw.WrongPrivKey, err: errors.New("the device answers when authenticated, not when encrypted")}
	}
	if p := s.classify(ctx, err); isAuth(p.reason) {
		return p
	}
	return f
}

// explain makes the error of a visit that read nothing.
func (s *Session) explain(f *failure) *collectors.VisitError {
	hint := s.hint(f.reason)
	if f.late {
		hint = fmt.Sprintf("the device answers, but not within %v: give it a longer timeout", s.target.Timeout)
	}
	return &collectors.VisitError{
		Reason: f.reason,
		Hint:   hint,
		Err:    fmt.Errorf("snmp %s: %w", s.target.Device.Address, f.err),
	}
}

func (s *Session) hint(r hw.Reason) string {
	v3 := s.target.Credentials.V3
	switch {
	case r == hw.NoAnswer && v3 == nil:
		return "either nothing gets through, so check the address and that UDP 161 is open on the way, " +
			"or the community is wrong: a device is silent to a wrong one"
	case r == hw.NoAnswer:
		return "check the address, that UDP 161 is open on the way, and that SNMPv3 is switched on"
	case r == hw.Refused:
		return "the device is up but nothing listens there: switch SNMP on, or check the port"
	case r == hw.Unreachable:
		return "check the address, the name, and the route to it"
	case r == hw.UnknownUser:
		return "the device does not know this SNMPv3 user: check its name; a replaced unit must be given its users again"
	case r == hw.WrongAuthKey:
		return "the user exists: check the authentication protocol and key"
	case r == hw.WrongPrivKey:
		return "the user and its authentication are right: check the privacy protocol and key; " +
			"for Cisco AES-192 and AES-256 are AES192C and AES256C"
	case r == hw.AuthFailed:
		return "check the user's security level, protocols and keys"
	case r == hw.Garbage:
		return "something answers, but not as an SNMP agent does: check the address and the port"
	case r == hw.AccessDenied && v3 != nil:
		return "the credentials are right: check the view they may read, and whether the user's group wants a higher security level"
	case r == hw.AccessDenied:
		return "the credentials are right: check the view they may read"
	}
	return ""
}
