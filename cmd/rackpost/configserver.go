package main

import (
	"maps"
	"slices"
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw/raid"
)

// raidSection is the section of the kinds that read RAID sets.
const raidSection = "raid"

func speaksRedfish(k collectors.Kind) bool { return k.Protocol == redfish.Protocol }

func speaksSNMP(k collectors.Kind) bool { return len(k.Subtrees) > 0 }

func readsRAID(k collectors.Kind) bool { return slices.Contains(sectionNames(k), raidSection) }

// rawWanted is the policy of a device or a customer.
type rawWanted struct {
	At   place
	RAID rawRAID `yaml:"raid"`
}

// rawRAID is what is wanted of RAID sets, by the settings of docs/raid.md.
type rawRAID struct {
	At           place
	Levels       []text `yaml:"levels"`
	OtherLevel   text   `yaml:"other_level"`
	Unproven     text   `yaml:"unproven"`
	WriteThrough text   `yaml:"write_through"`
	DiskCache    text   `yaml:"disk_cache"`
	CacheDefault text   `yaml:"disk_cache_default"`
	OutsideRAID  text   `yaml:"cache_outside_raid"`
	NoHotSpare   text   `yaml:"no_hot_spare"`
	PatrolRead   text   `yaml:"patrol_read"`
	Firmware     text   `yaml:"firmware"`
}

func customerNames(customers []rawCustomer) []rawName {
	var names []rawName
	for _, c := range customers {
		names = append(names, rawName{c.At, c.Name})
	}
	return names
}

// policies reads what the site and its customers want of RAID sets.
func (c *siteChecker) policies() {
	c.wanted = c.wantedRAID(c.raw.Policy.RAID)
	for _, r := range c.raw.Customers {
		c.wantedOf[r.Name.s] = c.wantedRAID(r.Policy.RAID)
	}
}

func (c *siteChecker) wantedRAID(r rawRAID) raid.Policy {
	var p raid.Policy
	if r.Levels != nil {
		p.Levels = []string{}
	}
	for _, t := range r.Levels {
		p.Levels = append(p.Levels, t.s)
		if err := (raid.Policy{Levels: []string{t.s}}).Check(); err != nil && t.set() && !t.bad {
			c.problems.add(t.at, "%s", strings.TrimPrefix(err.Error(), "raid policy: "))
		}
	}
	if err := p.Check(); err != nil && len(p.Levels) == 0 {
		c.problems.add(r.At, "%s", strings.TrimPrefix(err.Error(), "raid policy: "))
	}
	for _, j := range []struct {
		from text
		to   *raid.Judgement
	}{
		{r.OtherLevel, &p.OtherLevel}, {r.Unproven, &p.Unproven}, {r.WriteThrough, &p.WriteThrough},
		{r.DiskCache, &p.DiskCache}, {r.CacheDefault, &p.CacheDefault}, {r.OutsideRAID, &p.OutsideRAID},
		{r.NoHotSpare, &p.NoHotSpare}, {r.PatrolRead, &p.PatrolRead}, {r.Firmware, &p.Firmware},
	} {
		if j.from.set() && !j.from.bad {
			*j.to = raid.Judgement(c.oneOf(j.from, string(raid.Accept), string(raid.Notice), string(raid.Fault)))
		}
	}
	return p
}

// policy is what is wanted of the RAID sets of a device: its own word before the customer's, that before the site's.
func (c *siteChecker) policy(r rawDevice, k collectors.Kind) raid.Policy {
	switch {
	case k.New == nil:
	case readsRAID(k):
		return raid.Merge(c.wantedRAID(r.Policy.RAID), c.wantedOf[r.Customer.s], c.wanted)
	case r.Policy.At.line > 0:
		c.problems.add(r.Policy.At, "policy: a %s has no RAID sets; take it out", k.Name)
	}
	return raid.Policy{}
}

// agent is where the SNMP agent of a server listens that is read over Redfish too; empty: at its address.
func (c *siteChecker) agent(r rawDevice, k collectors.Kind) string {
	switch {
	case !r.SNMP.set() || k.New == nil:
		return ""
	case !speaksRedfish(k):
		c.problems.add(r.SNMP.at, "snmp: a %s speaks nothing else; write host:port under address", k.Name)
		return ""
	case !speaksSNMP(k):
		c.problems.add(r.SNMP.at, "snmp: a %s is not read over SNMP; take it out", k.Name)
		return ""
	}
	return c.onlyAddress(c.required(r.SNMP, r.At, "snmp", "the address of the SNMP agent, such as 192.0.2.30:161"), c.agents)
}

func (c *siteChecker) legacyTLS(r rawDevice, k collectors.Kind) bool {
	if !r.LegacyTLS.set() || r.LegacyTLS.bad || k.New == nil {
		return false
	}
	if !speaksRedfish(k) {
		c.problems.add(r.LegacyTLS.at, "legacy_tls: a %s is not read over TLS; take it out", k.Name)
		return false
	}
	return c.oneOf(r.LegacyTLS, "true", "false") == "true"
}

// fit tells when the credentials of a device are of a protocol it is not read over.
func (c *siteChecker) fit(r rawDevice, k collectors.Kind) {
	with, known := c.raw.Credentials[r.Credentials.s]
	name := shorten(r.Credentials.s)
	switch {
	case !r.Credentials.set() && speaksRedfish(k) && speaksSNMP(k):
		c.problems.add(r.At, "credentials: is missing; write the name of credentials with user and password for Redfish, or with a community for SNMP")
	case !r.Credentials.set() && speaksRedfish(k):
		c.problems.add(r.At, "credentials: is missing; write the name of credentials with user and password")
	case !known || !with.redfish() && !with.snmp():
	case !speaksRedfish(k) && !with.snmp():
		c.problems.add(r.Credentials.at, "credentials: a %s is read over SNMP, and %q is for Redfish alone; write community: {file: PATH} there, or name others", k.Name, name)
	case speaksRedfish(k) && !speaksSNMP(k) && !with.redfish():
		c.problems.add(r.Credentials.at, "credentials: a %s is read over Redfish, and %q has no password; write user: NAME and password: {file: PATH} there, or name others", k.Name, name)
	case r.SNMP.set() && speaksSNMP(k) && !with.snmp():
		c.problems.add(r.SNMP.at, "snmp: %q has nothing for SNMP; write community: {file: PATH} there, or take snmp out", name)
	}
}

// credentialNames are those the file defines.
func (c *siteChecker) credentialNames() []string { return slices.Sorted(maps.Keys(c.raw.Credentials)) }
