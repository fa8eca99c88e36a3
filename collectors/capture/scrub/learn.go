package scrub

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// minSecret is the shortest text that is looked for in others.
const minSecret = 3

// learn takes in what identifies in an object, so that it is found in others.
func (s *Scrubber) learn(o *Object) {
	if o.Type == typeIPAddress {
		if a, err := netip.ParseAddr(string(o.Value)); err == nil && a.Is4() {
			s.seen[a.As4()] = true
		}
		return
	}
	if o.Type != typeOctets || len(o.Value) == 0 {
		return
	}
	v, what := textOf(o.Value), s.catalogue.of(o.OID)
	switch what {
	case name:
		s.learnName(v)
	case serial, tag:
		s.learnSerial(v, what == tag)
	case domain:
		if v = strings.TrimSpace(v); s.worth(v) {
			s.learnDomain(v)
		}
	case model:
		s.models[lower(strings.TrimSpace(v))] = true
	case vlan, port:
		s.learnLabel(v)
	case mac:
		s.learnMAC(o.Value)
	case bridge:
		if len(o.Value) == 8 {
			s.learnMAC(o.Value[2:])
		}
	case engine:
		if n := len(o.Value); n >= 11 {
			s.learnMAC(o.Value[n-6:])
		}
	case unknown, address:
		if what == address || !s.isText(o.Value) {
			s.learnOctets(o.Value)
		}
	}
	for _, m := range s.grammar.udi.FindAllStringSubmatch(v, -1) {
		s.learnSerial(m[1], false)
	}
}

// learnOctets takes in octets of an unknown object whose length is that of an address.
func (s *Scrubber) learnOctets(v []byte) {
	switch len(v) {
	case 4:
		s.seen[[4]byte(v)] = true
	case 6:
		s.learnMAC(v)
	}
}

func (s *Scrubber) learnMAC(v []byte) {
	if len(v) != 6 || plainMAC([6]byte(v)) {
		return
	}
	s.macs[[6]byte(v)] = true
}

// learnName takes in a name with its parts: the host, the domain, the serial number in
// brackets that some write behind it.
func (s *Scrubber) learnName(v string) {
	v = strings.TrimSpace(v)
	if m := s.grammar.serial.FindStringSubmatch(v); m != nil {
		s.learnName(m[1])
		s.learnSerial(m[2], false)
		return
	}
	if !s.worth(v) {
		return
	}
	host, domain, _ := strings.Cut(v, ".")
	s.add(v, !distinctive(v), s.hostName)
	if domain == "" {
		return
	}
	if s.worth(host) {
		s.add(host, !distinctive(host), s.nameOf)
	}
	s.learnDomain(domain)
}

// learnDomain takes in a domain and the labels of it that somebody chose.
func (s *Scrubber) learnDomain(domain string) {
	s.add(domain, true, s.domainOf)
	for _, label := range strings.Split(domain, ".") {
		if len(label) > minSecret && s.worth(label) {
			s.add(label, true, s.domainOf)
		}
	}
}

// learnLabel takes in a name that people gave a VLAN or an interface.
func (s *Scrubber) learnLabel(v string) {
	v = strings.TrimSpace(v)
	if s.worth(v) && !s.grammar.defaultVLAN.MatchString(v) && !strings.ContainsAny(v, " '\"") {
		s.add(v, true, s.hostName)
	}
}

// learnSerial takes in a serial number. A tag that people chose may be any word: without a
// digit it is none.
func (s *Scrubber) learnSerial(v string, chosen bool) {
	v = strings.TrimSpace(v)
	if len(v) < 5 || s.grammar.noSerial(v) || !strings.ContainsAny(v, "0123456789") && (chosen || len(v) < 8) {
		return
	}
	s.add(v, false, s.keyed.shape)
}

// worth reports whether a text can identify when it stands elsewhere: not a word of
// everybody's, not the name of an interface, not a number, not an address.
func (s *Scrubber) worth(v string) bool {
	letter := strings.ContainsFunc(v, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127 })
	_, err := netip.ParseAddr(v)
	whole := s.grammar.mac.FindString(v) == v
	return len(v) >= minSecret && letter && err != nil && !whole && !s.grammar.common(v)
}

// distinctive reports whether a name is looked for within words too.
func distinctive(v string) bool {
	return len(v) >= 5 && strings.ContainsAny(v, "0123456789-_.") || len(v) >= 8
}

func (s *Scrubber) add(plain string, whole bool, replace func(string) string) {
	plain = lower(plain)
	if i, ok := s.index[plain]; ok {
		s.secrets[i].whole = s.secrets[i].whole && whole
		return
	}
	s.index[plain] = len(s.secrets)
	s.secrets = append(s.secrets, secret{plain, whole, replace})
}

// settle orders what was learned: the longest first, so that no name hides a longer one.
func (s *Scrubber) settle() {
	s.secrets = slices.DeleteFunc(s.secrets, func(l secret) bool { return s.models[l.plain] })
	slices.SortFunc(s.secrets, func(a, b secret) int {
		return cmp.Or(cmp.Compare(len(b.plain), len(a.plain)), cmp.Compare(a.plain, b.plain))
	})
	clear(s.index)
	clear(s.begins)
	s.short = nil
	for i := range s.secrets {
		plain := s.secrets[i].plain
		s.index[plain] = i
		if len(plain) < minSecret {
			s.short = append(s.short, i)
			continue
		}
		s.begins[plain[:minSecret]] = append(s.begins[plain[:minSecret]], i)
	}
	clear(s.memo)
}

// nameOf is the pseudonym of a name.
func (s *Scrubber) nameOf(v string) string { return s.unique("name", lower(v)) }

func (s *Scrubber) domainOf(v string) string { return s.unique("domain", lower(v)) }

// hostName is the pseudonym of a name with its domain. A host that bears a word of everybody's
// keeps it.
func (s *Scrubber) hostName(v string) string {
	host, domain, ok := strings.Cut(v, ".")
	if !ok || domain == "" {
		return s.nameOf(v)
	}
	if s.grammar.common(host) {
		return host + "." + s.domainOf(domain)
	}
	return s.nameOf(host) + "." + s.domainOf(domain)
}

// unique makes a pseudonym that no other text has.
func (s *Scrubber) unique(label, v string) string {
	key := label + " " + v
	if out, ok := s.names[key]; ok {
		return out
	}
	out := ""
	for try := byte(0); try < maxTries; try++ {
		if out = s.keyed.word(label, v, try); !s.taken[out] {
			break
		}
	}
	s.names[key], s.taken[out] = out, true
	return out
}
