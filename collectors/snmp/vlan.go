package snmp

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
	"rackpost/hw"
)

// maxVLAN is the greatest VLAN there is (IEEE 802.1Q).
const maxVLAN = 4094

// UseVLAN makes the session ask from now on in the context of a VLAN. A Catalyst keeps a
// forwarding table and a spanning tree for each, and shows that of one to the community
// public@20 (v2c) or in the context vlan-20 (v3). 0 is the context of the credentials, which
// StartVisit returns to. To v2c a device is silent in a context it does not have; with v3 it
// says so, which is NotSupported.
func (s *Session) UseVLAN(vlan int) error {
	if vlan < 0 || vlan > maxVLAN {
		return fmt.Errorf("snmp: VLAN %d, want 0 to %d", vlan, maxVLAN)
	}
	community, context := inVLAN(s.target.Credentials, vlan)
	if s.target.Credentials.V3 == nil && len(community) > maxCommunity {
		return fmt.Errorf("snmp: community has %d bytes with the VLAN behind it, want at most %d", len(community), maxCommunity)
	}
	s.vlan = vlan
	if s.conf != nil {
		s.conf.Community, s.conf.ContextName = community, context
	}
	return nil
}

// inVLAN returns what names the context of a VLAN; 0 is that of the credentials.
func inVLAN(c collectors.Credentials, vlan int) (community, context string) {
	switch {
	case c.V3 != nil && vlan == 0:
		return "", c.V3.Context
	case c.V3 != nil:
		return "", "vlan-" + strconv.Itoa(vlan)
	case vlan == 0:
		return c.Community, ""
	}
	return c.Community + "@" + strconv.Itoa(vlan), ""
}

// noContext returns the failure that err is when a v3 device does not know the VLAN's
// context, else nil. It says so by a Report, which gosnmp tells from no other it lacks.
func (s *Session) noContext(err error) *failure {
	if s.vlan == 0 || s.target.Credentials.V3 == nil || !errors.Is(err, gosnmp.ErrUnknownReportPDU) {
		return nil
	}
	return &failure{reason: hw.NotSupported, err: fmt.Errorf("the device does not know the context vlan-%d", s.vlan)}
}

// MostRows bounds the rows of one column in the walks from now on; what is beyond is
// TooMuch. 0 is the bound a session starts with, which StartVisit returns to.
func (s *Session) MostRows(n int) {
	s.limits = defaultLimits
	if n > 0 {
		s.limits.rows = min(n, defaultLimits.rows)
	}
}
