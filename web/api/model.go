package api

import (
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
)

// SiteList is the answer of GET /api/v1/sites.
type SiteList struct {
	Sites []Site `json:"sites"`
}

// The states of a site.
const (
	SiteOwn       = "own"       // it is that of the box that answers
	SiteJoined    = "joined"    // it may send
	SiteRevoked   = "revoked"   // it may not any more
	SiteForgotten = "forgotten" // nobody is enrolled by its name, and what it sent is here
)

// Site is one site as it is known here: rackpost hq sites -json tells the same. Counts are since the start of the program here.
type Site struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`              // of a forgotten one its id
	State   string    `json:"state"`             // own, joined, revoked or forgotten
	Joined  time.Time `json:"joined,omitzero"`   // the last time
	Revoked time.Time `json:"revoked,omitzero"`  // since then it may send nothing
	Why     string    `json:"why,omitempty"`     // it was revoked
	Version string    `json:"version,omitempty"` // of the program there; of both boxes where they differ, the one that sends first

	Connected bool      `json:"connected"`              // a box of it is connected now; always of a box's own site
	Heard     time.Time `json:"heard,omitzero"`         // when anything came of it last
	Silent    *float64  `json:"silent_seconds"`         // since then; null: never heard
	Unheard   bool      `json:"silent"`                 // for so long that people were told
	Ended     string    `json:"ended,omitempty"`        // why its last connection ended
	Lag       *float64  `json:"live_lag_seconds"`       // between the writing of the newest record that came live and its coming, or since the oldest that waits there was written, while nothing is to come; null: not known
	Missing   *uint64   `json:"missing_batches"`        // written there, and not here yet, by its word; null: not known
	Size      *uint64   `json:"missing_bytes"`          // what they take on the line, estimated; null: not known
	Since     time.Time `json:"missing_since,omitzero"` // when the oldest of them was written, by its clock
	Awaited   uint64    `json:"awaited_batches"`        // written there, not here, and a box that is not connected now may have them
	Lost      uint64    `json:"lost_batches_total"`     // that no box of it has any more: gaps tell when they were written
	OffsetMS  *int64    `json:"clock_offset_ms"`        // how far its clock is ahead of the one here; null: not known
	Boxes     []SiteBox `json:"boxes,omitempty"`        // that came since the start
	Expires   time.Time `json:"certificate_expires,omitzero"`

	Paused    bool   `json:"paused"`                      // nothing is taken of it now
	FactsOnly bool   `json:"facts_only"`                  // nothing but facts is
	Slowed    uint64 `json:"slowed_to_bytes_per_second"`  // what is behind comes no faster; 0: as fast as it can
	HeldBack  string `json:"held_back_because,omitempty"` // by whom and why, in words

	Bytes    int64  `json:"bytes"`               // that its records take here
	Today    int64  `json:"bytes_today"`         // that came of it today
	Quota    int64  `json:"quota_bytes"`         // that all its records may take here; 0: any
	QuotaDay int64  `json:"quota_bytes_per_day"` // that may come of it in a day; 0: any
	Refused  uint64 `json:"refused_total"`       // batches of it that were refused
	Reason   string `json:"reason,omitempty"`    // why something of it was refused last, in words
	Conflict uint64 `json:"conflicts_total"`     // times other content came under a key that was held: was a disk copied?
}

// SiteBox is one box of a site.
type SiteBox struct {
	Origin  string   `json:"origin"` // of its journal
	Version string   `json:"version,omitempty"`
	Live    SiteLane `json:"live"`
	Behind  SiteLane `json:"behind"`
}

// SiteLane is one of the two connections of a box.
type SiteLane struct {
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since,omitzero"`    // connected, or not
	Address   string    `json:"address,omitempty"` // from which it came
	Ended     string    `json:"ended,omitempty"`   // why the last one ended
}

// id is the id of the site.
func (s Site) id() (journal.ID, error) { return journal.ParseID(s.ID) }

// DeviceList is the answer of GET /api/v1/devices.
type DeviceList struct {
	Devices []web.Device `json:"devices"`
}

// RaidList is the answer of GET /api/v1/raid.
type RaidList struct {
	Devices []web.Raid `json:"devices"`
}

// InventoryList is the answer of GET /api/v1/inventory.
type InventoryList struct {
	Devices []Inventory `json:"devices"`
}

// Inventory is what a device is and consists of.
type Inventory struct {
	Site     string      `json:"site"` // id
	Device   hw.DeviceID `json:"device"`
	Kind     string      `json:"kind"`
	Name     string      `json:"name"`
	Customer string      `json:"customer,omitempty"`
	Rack     string      `json:"rack,omitempty"`
	Stale    bool        `json:"stale"` // what is told may be old
	Unit     *web.Unit   `json:"unit"`  // null: never read
	Parts    []Part      `json:"parts"` // of which anything is told: model, serial, place
}

// Part is one part of a device.
type Part struct {
	Path    string    `json:"path"`
	Health  hw.Health `json:"health"`
	Attrs   hw.Attrs  `json:"attrs"`
	Missing bool      `json:"missing,omitempty"` // it was there, and must be
}

// The groupings of an aggregate: what is not told apart is put together. Different sensors never are.
const (
	byNone      = "none"
	bySite      = "site"
	byDevice    = "device"
	byComponent = "component"
)

// AggregateQuery asks for readings put together. Component and Sensor are names or patterns: a star stands for any run of characters.
type AggregateQuery struct {
	Site      journal.ID  // zero: of all sites
	Device    hw.DeviceID // empty: of all
	Component string      // empty: of all
	Sensor    string
	By        string        // none, site, device, component
	Step      time.Duration // 0: one bucket for all the time
	From, To  time.Time     // From included, To not
	Limit     int           // buckets at most
}

// Bucket is what the readings of one group in one stretch of time come to. Of gauges the values are what was read, of counters rates
// a second.
type Bucket struct {
	Site           journal.ID  // zero where sites are put together
	Device         hw.DeviceID // empty where devices are put together
	Component      string      // empty where components are put together
	Sensor         string
	Type           hw.SampleType
	Start, End     time.Time // Start included, End not
	Min, Max, Mean float64   // of Count 0 nothing
	Last           float64
	LastAt         time.Time
	Count          int     // readings with a value; of counters those that give a rate
	Increase       float64 // of counters
	Completeness   float64 // 0 to 1: how much of what was due came
	Series         int     // sensors of components that are in it
}

// Aggregates is the answer of GET /api/v1/aggregate.
type Aggregates struct {
	From   time.Time        `json:"from"`
	To     time.Time        `json:"to"`
	Step   float64          `json:"step_seconds"` // 0: one bucket for all the time
	By     string           `json:"by"`
	Groups []AggregateGroup `json:"groups"`
}

// AggregateGroup is the buckets of one group, in order of time.
type AggregateGroup struct {
	Site      string            `json:"site,omitempty"`      // id; left out where sites are put together
	Device    hw.DeviceID       `json:"device,omitempty"`    // left out where devices are put together
	Component string            `json:"component,omitempty"` // left out where components are put together
	Sensor    string            `json:"sensor"`
	Type      string            `json:"type"` // gauge: the values are readings; counter: they are rates a second
	Buckets   []AggregateBucket `json:"buckets"`
}

// AggregateBucket is what the readings of one stretch of time come to.
type AggregateBucket struct {
	Start        time.Time `json:"start"`
	End          time.Time `json:"end"` // not included
	Min          *float64  `json:"min"` // null, as the others: nothing was read
	Max          *float64  `json:"max"`
	Mean         *float64  `json:"mean"`
	Last         *float64  `json:"last"`
	LastAt       time.Time `json:"last_at,omitzero"`
	Count        int       `json:"count"`              // readings with a value; of counters those that give a rate
	Increase     *float64  `json:"increase,omitempty"` // of counters
	Completeness float64   `json:"completeness"`       // 0 to 1: how much of what was due came
	Series       int       `json:"series"`             // sensors of components that are in it
}

// ConsumerList is the answer of GET /api/v1/consumers.
type ConsumerList struct {
	Consumers []Consumer `json:"consumers"`
}

// Ack is what a consumer sends to POST /api/v1/ack.
type Ack struct {
	Position Position `json:"position"`           // the next of an answer whose records it keeps now
	Consumer string   `json:"consumer,omitempty"` // who, where no token says it
}

// NewConsumer is what is sent to POST /api/v1/consumers.
type NewConsumer struct {
	Name   string  `json:"name"`
	Scopes []Scope `json:"scopes"`
	Token  string  `json:"token,omitempty"` // that another box or headquarters made; empty: one is made
}

// Token is the answer of POST /api/v1/consumers.
type Token struct {
	Name  string `json:"name"`
	Token string `json:"token"` // shown this once
}
