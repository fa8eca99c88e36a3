package web

import "time"

// Pair is what a machine knows of the pair that it is in: GET /api/v1/status, pair, and rackpost pair status -json.
type Pair struct {
	Line       string         `json:"line"` // how it stands, in a few words
	Cluster    string         `json:"cluster"`
	Self       PairMember     `json:"self"`
	Members    []PairMember   `json:"members"` // the others
	Leader     string         `json:"leader"`  // the name of the box with authority; empty: none is known
	Authority  bool           `json:"authority"`
	Powers     []string       `json:"powers"`                    // what this machine may do now
	ActsIn     float64        `json:"acts_in_seconds,omitempty"` // until this machine, which has authority, may make devices do something
	Why        string         `json:"why"`                       // what it waits for, or why it has no authority
	Generation string         `json:"generation"`
	Site       PairSite       `json:"site"`
	Address    *PairAddress   `json:"address,omitempty"` // the virtual one; absent: none is wanted
	Expires    time.Time      `json:"certificate_expires"`
	Alarms     []PairAlarm    `json:"alarms"`
	Refusals   []string       `json:"refusals"`  // connections that were not wanted lately, by either side
	Conflicts  []PairConflict `json:"conflicts"` // what was agreed on in a life that was given up
}

// PairConflict is a report of what a machine had agreed on in a life that was given up.
type PairConflict struct {
	File    string   `json:"file"`
	Lost    []string `json:"lost"`              // what of it does not count now, in words; empty: see Problem
	Problem string   `json:"problem,omitempty"` // why that is not known
}

// PairMember is one machine of the pair.
type PairMember struct {
	Node       string       `json:"node"`
	Name       string       `json:"name"`
	Role       string       `json:"role"` // box or witness
	Mode       string       `json:"mode"`
	For        float64      `json:"mode_seconds,omitempty"` // of this machine
	Vote       string       `json:"vote"`                   // of Raft
	Applied    uint64       `json:"applied"`                // entry of Raft
	Generation string       `json:"generation"`
	Version    string       `json:"version,omitempty"`
	Silent     *float64     `json:"silent_seconds"` // on its best path; null: not heard yet, or this machine
	Paths      []PairPath   `json:"paths"`
	Journal    *PairJournal `json:"journal,omitempty"` // the way of the records to it and from it
}

// PairPath is one way to a member.
type PairPath struct {
	Name      string   `json:"name"`
	Address   string   `json:"address"`
	Silent    *float64 `json:"silent_seconds"` // null: not heard yet
	RoundTrip float64  `json:"round_trip_ms"`  // 0: unknown
	Error     string   `json:"error,omitempty"`
}

// PairJournal is how far two journals are from each other.
type PairJournal struct {
	Connected bool       `json:"connected"`
	CaughtUp  bool       `json:"caught_up"`
	Lacks     PairBehind `json:"lacks"`      // of what is there, this machine
	PeerLacks PairBehind `json:"peer_lacks"` // of what is here, the other
	Rate      uint64     `json:"bytes_per_second"`
	Conflicts uint64     `json:"conflicts"` // records that came with other content than the one that is kept
	Reason    string     `json:"reason,omitempty"`
}

// PairBehind is what somebody has still to get.
type PairBehind struct {
	Batches uint64    `json:"batches"`
	Bytes   uint64    `json:"bytes"`
	Oldest  time.Time `json:"oldest,omitzero"`
}

// PairSite is the configuration that the pair agreed on, as this machine has it.
type PairSite struct {
	Version uint64 `json:"version"` // the newest; 0: none is known
	Running uint64 `json:"running"` // the one that this machine works with
	Refused string `json:"refused,omitempty"`
}

// PairAddress is the virtual address.
type PairAddress struct {
	Address   string `json:"address"`
	Held      bool   `json:"held"` // here
	Interface string `json:"interface,omitempty"`
	Problem   string `json:"problem,omitempty"`
}

// PairAlarm is something a person should know and may have to act on.
type PairAlarm struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Lonely says whether the machine goes on without authority, or without the other box.
func (p Pair) Lonely() bool {
	return p.Self.Mode != "leader" && p.Self.Mode != "follower" && p.Self.Mode != "witness" || len(p.Alarms) > 0
}
