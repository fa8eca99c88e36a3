package uplink

import "time"

// Part is what a box is to its site, as far as sending goes.
type Part uint8

// The parts.
const (
	Idle     Part = iota // it has no site, or stands still
	Lone                 // a box alone
	Leader               // or solo: it has the authority
	Island               // without authority, and the other box is not heard
	Follower             // the other box leads
)

// Report is what the box that sends tells the other one of its way to headquarters.
type Report struct {
	Sending    bool          `json:"sending"`
	Connected  bool          `json:"connected"`   // its live lane
	For        time.Duration `json:"for"`         // it is connected, or is not
	StoodStill bool          `json:"stood_still"` // headquarters answered for nothing for 30 s although something waited
}

// View is what a box knows when it decides whether it sends.
type View struct {
	Part   Part
	Heard  bool          // a report of the leader; followers
	Report Report        // the last one
	Age    time.Duration // of it, or for how long there was none
}

// How long a follower waits before it sends beside the leader, or stops.
const (
	noUplinkFor = 10 * time.Second // the leader has no uplink
	stillFor    = 30 * time.Second // headquarters answers the leader for nothing
	unheardFor  = 10 * time.Second // the leader tells nothing
)

// Decide says whether a box sends to headquarters, and why. Two that send for a while cost a few
// kilobytes: what headquarters holds it takes no second time.
func Decide(sends bool, v View) (bool, string) {
	switch v.Part {
	case Lone:
		return true, ""
	case Leader:
		return true, "it leads"
	case Island:
		return true, "the other box is not heard"
	case Follower:
		return follow(sends, v)
	}
	return false, "it has nothing to send"
}

func follow(sends bool, v View) (bool, string) {
	r := v.Report
	// A report that is old says nothing of now, and no report at all the same.
	switch {
	case v.Age >= unheardFor:
		return true, "the leader does not tell of its uplink"
	case !v.Heard:
		return sends, "the leader has not told of its uplink yet"
	case !r.Connected && r.For+v.Age >= noUplinkFor:
		return true, "the leader has no uplink"
	case r.StoodStill:
		return true, "headquarters takes nothing from the leader"
	case sends && (!r.Connected || r.For < noUplinkFor):
		return true, "the leader's uplink is not proven yet"
	}
	return false, "the leader sends"
}
