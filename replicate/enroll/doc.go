// Package enroll says which sites may send to headquarters, and keeps what proves it. At headquarters: a
// CA of its own, one-time tokens, the register of sites, and the two requests by which a site gets and
// renews its certificate. At the site: the credential, joining with a token, and renewing in time.
// docs/uplink.md has the reasons.
package enroll
