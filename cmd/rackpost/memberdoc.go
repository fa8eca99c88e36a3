package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/replicate/control"
	"rackpost/replicate/trust"
	"rackpost/replicate/wire"
)

// pathNames are what the paths between members are called, in the order of listen: the first of one
// member leads to the first of another.
var pathNames = [maxPaths]string{"lan", "direct", "path-3", "path-4"}

// pathsOf names addresses in their order.
func pathsOf(list []netip.AddrPort) []wire.Path {
	out := make([]wire.Path, len(list))
	for i, a := range list {
		out[i] = wire.Path{Name: pathNames[i], Address: a.String()}
	}
	return out
}

func addressesOf(list []netip.AddrPort) map[string]string {
	out := map[string]string{}
	for _, p := range pathsOf(list) {
		out[p.Name] = p.Address
	}
	return out
}

// wirePaths puts the addresses of a member in the order of the paths.
func wirePaths(addresses map[string]string) []wire.Path {
	var out []wire.Path
	for _, name := range pathNames {
		if a, ok := addresses[name]; ok {
			out = append(out, wire.Path{Name: name, Address: a})
		}
	}
	return out
}

// agreedMember is what is agreed on of a member.
func agreedMember(m trust.Member) control.Member {
	c := control.Member{Node: m.Node, Name: m.Name, Role: m.Role, Recipient: m.Recipient, Origin: m.Origin, Speaks: control.Level}
	for _, p := range wirePaths(m.Addresses) {
		c.Paths = append(c.Paths, control.Path(p))
	}
	return c
}

// trustedMember is the same for who checks certificates.
func trustedMember(m control.Member) trust.Member {
	t := trust.Member{Node: m.Node, Name: m.Name, Role: m.Role, Recipient: m.Recipient, Origin: m.Origin, Addresses: map[string]string{}}
	for _, p := range m.Paths {
		t.Addresses[p.Name] = p.Address
	}
	return t
}

// peersOf are the members besides this one as they are called.
func (p *pairing) peersOf(members []trust.Member) []wire.Peer {
	var out []wire.Peer
	for _, m := range members {
		if m.Node != p.self.Node {
			out = append(out, wire.Peer{Node: m.Node, Name: m.Name, Role: m.Role, Paths: p.otherPaths(m)})
		}
	}
	return out
}

// otherPaths are the paths to a member but for those that lead to this machine: who takes the place of another, and its addresses, reads
// in the history of the pair that the other one was there.
func (p *pairing) otherPaths(m trust.Member) []wire.Path {
	return slices.DeleteFunc(wirePaths(m.Addresses), func(path wire.Path) bool {
		at, err := netip.ParseAddrPort(path.Address)
		return err == nil && (slices.Contains(p.box.pair.listen, at) || slices.Contains(p.box.pair.advertise, at))
	})
}

// memberPut is the command that makes m what is agreed on of it.
func memberPut(state control.State, m control.Member, who, why string, at time.Time) (control.Command, error) {
	name, content, err := m.Document()
	if err != nil {
		return nil, err
	}
	now, _ := state.Document(name)
	return &control.Put{Name: name, Expected: now.Version, Content: content, Who: who, Why: why, At: at}, nil
}

// memberNamed finds a member as people name it: by its name, or by its id or how that begins.
func memberNamed(members []trust.Member, word string) (trust.Member, error) {
	var names []string
	var found []trust.Member
	for _, m := range members {
		if m.Name == word {
			return m, nil
		}
		if len(word) >= 4 && strings.HasPrefix(m.Node.String(), strings.ToLower(word)) {
			found = append(found, m)
		}
		names = append(names, m.Name)
	}
	if len(found) == 1 {
		return found[0], nil
	}
	slices.Sort(names)
	if s := hw.Nearest(word, names); s != "" {
		return trust.Member{}, fmt.Errorf("there is no member %q; did you mean %q?", shorten(word), s)
	}
	return trust.Member{}, fmt.Errorf("there is no member %q; the members are %s", shorten(word), strings.Join(names, ", "))
}
