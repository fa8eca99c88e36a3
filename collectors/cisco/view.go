package cisco

import (
	"fmt"
	"slices"
	"strings"

	"rackpost/collectors"
	"rackpost/hw"
)

// hidden says what a device keeps from us: an agent answers for what its view leaves out as
// for what it lacks.
type hidden struct {
	cisco  bool // everything of Cisco's own
	parts  bool // ENTITY-MIB too
	system bool // and the system group, which every agent has
}

// judgeView tells a device that lacks tables from one whose view hides them: every Cisco
// tells its CPU by one table or another. A hidden section that yielded nothing has failed, so
// that nothing is taken for removed, and its tables are asked for again.
func (c *collector) judgeView(v *visit) {
	if v.stopped != "" {
		return
	}
	if cpu := scopeOf(v.report, sectionCPU); cpu != nil && cpu.Extent == hw.Complete {
		c.hidden = c.hides()
	}
	if !c.hidden.cisco {
		return
	}
	for i := range v.report.Read {
		s := &v.report.Read[i]
		if s.Extent == hw.Failed || slices.ContainsFunc(v.report.Components, func(p hw.Component) bool { return p.Section == s.Section }) {
			continue
		}
		s.Extent = hw.Failed
		v.gap(s.Section, hw.AccessDenied, c.hidden.words(c.kind, c.target.Credentials))
	}
	clear(c.lacks)
	if c.hidden.parts {
		c.entities.read, c.entities.tries = false, 0
	}
}

// hides judges by what was asked so far; the CPU has been.
func (c *collector) hides() hidden {
	s := &c.identity.scalars
	if s.changed.OK() || s.saved.OK() || s.startup.OK() {
		return hidden{}
	}
	parts := s.entChanged.OK()
	for grp, t := range c.tables {
		if !t.had || t.empties > 0 {
			continue
		}
		if grp.proprietary() {
			return hidden{}
		}
		parts = parts || grp == &entityGroup
	}
	return hidden{cisco: true, parts: !parts, system: !c.identity.known}
}

// proprietary reports whether all objects of the group are Cisco's own.
func (grp *group) proprietary() bool {
	for i := range grp.objects {
		for o := &grp.objects[i]; o != nil; o = o.other {
			if o.oid != "" && !strings.HasPrefix(o.oid, enterprise) {
				return false
			}
		}
	}
	return true
}

func scopeOf(r *hw.Report, section string) *hw.Scope {
	for i := range r.Read {
		if r.Read[i].Section == section {
			return &r.Read[i]
		}
	}
	return nil
}

// words say what is hidden, and what to do in one line.
func (h hidden) words(kind string, c collectors.Credentials) string {
	what := "nothing of Cisco's own MIBs"
	switch {
	case h.system:
		what += ", of ENTITY-MIB and of the system group"
	case h.parts:
		what += " and of ENTITY-MIB"
	}
	if kind == ASAKind {
		return fmt.Sprintf("the device answers and shows %s: an ASA shows everything to whom it answers, so see what stands between, or ask the admin context", what)
	}
	return fmt.Sprintf("the device answers and shows %s: the SNMP view hides it; configure %q", what, strings.Join(viewLines(c), "; "))
}

// viewLines are the lines of IOS and IOS-XE that let us read everything.
func viewLines(c collectors.Credentials) []string {
	const view = "snmp-server view RACKPOST iso included"
	if c.V3 == nil {
		return []string{view, "snmp-server community COMMUNITY view RACKPOST ro"}
	}
	return []string{view, "snmp-server group GROUP v3 " + levelOf(c.V3) + " read RACKPOST"}
}

func levelOf(u *collectors.V3) string {
	switch {
	case u.PrivProtocol != "":
		return "priv"
	case u.AuthProtocol != "":
		return "auth"
	}
	return "noauth"
}

// grant is the Grant of a kind.
func grant(kind string) func(collectors.Credentials) string {
	return func(c collectors.Credentials) string {
		if kind == ASAKind {
			return "An ASA has no SNMP views: it shows everything to whom it answers. Where tables are missing, ask the admin\n" +
				"context of an ASA in multiple context mode, and see that nothing on the way takes them out.\n"
		}
		who := "COMMUNITY is the one used here. Repeat its access list at the end of the line if it has one.\n"
		if c.V3 != nil {
			who = "GROUP is that of the user, as told by: show snmp user " + c.V3.User + "\n"
		}
		return "On IOS and IOS-XE, in configuration mode:\n\n    " + strings.Join(viewLines(c), "\n    ") + "\n\n" + who
	}
}
