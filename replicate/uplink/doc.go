// Package uplink is the way of a site's box to headquarters: which of its lines it takes, how it calls, when
// it calls again, and whether this box sends at all. What goes over it is the matter of ship, and who may
// send that of enroll. docs/uplink.md has the reasons.
package uplink
