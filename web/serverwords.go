package web

import (
	"strings"
	"time"

	"rackpost/hw"
)

// redfishUnread is the code of the alert that a server is read over SNMP because Redfish failed.
const redfishUnread = "redfish-unread"

// RedfishAdvice tells what to do when a server is not read over Redfish for a reason; empty where the error itself says all
// there is.
func RedfishAdvice(r hw.Reason) string {
	switch r {
	case hw.AuthFailed:
		return "The user or the password is wrong, or the user may not log in over Redfish. Log in to the page of the iDRAC once to see which. Do not try again and again: " +
			"three refused logins within a minute bar this address, also for people."
	case hw.LockedOut:
		return "The password may be right: after refused logins the iDRAC bars this address for a minute or more. Find out what logs in wrongly (another tool on this box, an old password), " +
			"wait five minutes, then try once."
	case hw.CertChanged:
		return "Nothing was sent: somebody may stand between. If the certificate was exchanged on purpose, or the board was replaced, compare the fingerprints and accept the new one: rackpost trust DEVICE."
	case hw.AccessDenied:
		return "Give the user the role ReadOnly, or check the licence of the iDRAC."
	case hw.Refused, hw.NoAnswer, hw.Unreachable:
		return "Is it the address of the iDRAC, not of the operating system? From this box to it HTTPS (443) must be open, and for SNMP UDP 161, with the agent switched on in the iDRAC (iDRAC Settings, Services)."
	case hw.WrongKind:
		return "Check the address and the port. Another maker's server with Redfish is of kind redfish."
	}
	return ""
}

// redfishWords are the words of that alert.
func redfishWords(params hw.Attrs) (says, do string) {
	why := hw.Reason(params.Get("why"))
	switch why {
	case hw.Refused, hw.NoAnswer, hw.Unreachable, hw.Garbage:
		return "Redfish is not read, SNMP stands in for it: " + ReasonWords(why),
			"Where it never was read: HTTPS (443) must be open from this box to the iDRAC. Where it was, the web server of the iDRAC hangs or starts anew: it comes back within minutes as a rule, " +
				"else restart the iDRAC (racadm racreset), which leaves the server running."
	}
	return "Redfish is not read, SNMP stands in for it: " + ReasonWords(why), RedfishAdvice(why)
}

// Act is what people had a device do and what still lasts.
type Act struct {
	Component string    `json:"component"`
	Name      string    `json:"name,omitempty"` // of the component, for people
	Act       string    `json:"act"`            // locate
	Phase     string    `json:"phase"`          // intended, done, or unknown: it may
	Who       string    `json:"who"`
	Since     time.Time `json:"since,omitzero"`
	Until     time.Time `json:"until,omitzero"`
}

// ActOf is what f says somebody had a device do, false when it is over or failed.
func ActOf(f hw.Fact, now time.Time) (Act, bool) {
	v, ok := f.Value.(hw.ActValue)
	name, _ := hw.CutAct(f.Group)
	blinks := name == hw.Locate && (v.On && v.Phase != hw.ActFailed && v.Until.After(now) || !v.On && v.Phase == hw.ActUnknown)
	return Act{Component: f.Component, Act: name, Phase: v.Phase.String(), Who: v.Who, Since: v.Since, Until: v.Until}, ok && blinks
}

// says tells a fact in words, empty where only what it holds can be told.
func says(f hw.Fact) string {
	switch v := f.Value.(type) {
	case hw.AlertValue:
		a := AlertOf(f.Component, f.Group, v)
		switch {
		case a.Says == "":
			return ""
		case !v.Open:
			return "over: " + a.Says
		}
		return a.Level + ": " + a.Says
	case hw.ActValue:
		name, _ := hw.CutAct(f.Group)
		return actWords(name, v)
	case hw.LearnedValue:
		return learnedWords(f.Group, v.Value)
	}
	return ""
}

// actWords tells an act in words, empty when it is none that is known. What it is about is not told.
func actWords(name string, v hw.ActValue) string {
	var s string
	switch {
	case name == hw.Locate && v.On:
		s = "asked to blink"
	case name == hw.Locate:
		s = "asked to blink no more"
	case name == hw.ActTrust:
		s = "another certificate is trusted: " + v.Params.Get("certificate")
	default:
		return ""
	}
	if v.Who != "" {
		s += ", by " + v.Who
	} else if name == hw.Locate && !v.On {
		s += ": its time was over"
	}
	switch v.Phase {
	case hw.ActIntended:
		s += "; not told yet"
	case hw.ActDone:
		if name == hw.Locate {
			s += ": done"
		}
	case hw.ActFailed:
		s += ": failed"
	default:
		s += ": nobody knows whether it was done"
	}
	if v.Phase == hw.ActFailed || v.Phase == hw.ActUnknown {
		if v.Detail != "" {
			s += ": " + v.Detail
		} else if v.Reason != "" {
			s += ": " + ReasonWords(v.Reason)
		}
	}
	if name == hw.Locate && v.On && !v.Until.IsZero() && v.Phase != hw.ActFailed {
		s += ", until " + v.Until.UTC().Format(time.RFC3339)
	}
	return s
}

// learnedWords tells what was learned of a device under a key; empty of a key of the collectors' own.
func learnedWords(key, text string) string {
	switch key {
	case "certificate":
		return "the trusted certificate is " + text
	case "certificate_seen":
		return "it shows another certificate than the trusted one: " + text
	case "session":
		return "the session that is open is " + text
	case "redfish_logins", "failed_logins":
		n, _, _ := strings.Cut(text, " ")
		return "refused logins in a row: " + n
	case "logins_stopped":
		return "no login is tried any more since " + text
	}
	return ""
}
