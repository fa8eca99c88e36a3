package control

import (
	"fmt"

	"rackpost/replicate/mode"
)

// Member is who belongs to the pair: whoever is not one is refused, whatever its certificate says.
type Member struct {
	Node      mode.NodeID `json:"node"`
	Name      string      `json:"name"`
	Role      mode.Role   `json:"role"`
	Paths     []Path      `json:"paths"`
	Recipient string      `json:"recipient,omitempty"` // for whom secrets are sealed; empty of a witness
	Origin    string      `json:"origin,omitempty"`    // of its journal; empty of a witness
	Pin       string      `json:"pin,omitempty"`       // of its key
	Speaks    uint32      `json:"speaks"`              // the highest feature level it knows
}

// Path is one way to a member.
type Path struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// Document returns the name and the content of the document that says m.
func (m Member) Document() (name string, content []byte, err error) {
	c := &codec{}
	if m.fields(c); c.err != nil {
		return "", nil, fmt.Errorf("write a member: %w", c.err)
	}
	return Peer + m.Node.String(), c.b, nil
}

// ParseMember reads the content of a member's document.
func ParseMember(content []byte) (Member, error) {
	var m Member
	c := &codec{b: content, reading: true}
	m.fields(c)
	return m, c.end()
}

func (s *State) admitsMember(id string, content []byte) error {
	m, err := ParseMember(content)
	switch {
	case err != nil:
		return err
	case m.Node.String() != id:
		return refuse("the document of member %s says %s", id, m.Node)
	case m.Speaks < s.Level():
		return refuse("%s speaks feature level %d and the others use %d already: update it first", m.Name, m.Speaks, s.Level())
	}
	return nil
}

// How many members of a role a pair has at most.
const (
	maxBoxes     = 2
	maxWitnesses = 1
)

// hasRoom refuses who is one too many, although two boxes let somebody in at once, and what no box makes of a member: it keeps its
// role and its keys for ever.
func (s *State) hasRoom(content []byte) error {
	m, err := ParseMember(content)
	if err != nil {
		return err
	}
	of := map[mode.Role][]string{}
	for _, have := range s.Members() {
		if have.Node != m.Node {
			of[have.Role] = append(of[have.Role], have.Name)
			continue
		}
		if have.Role != m.Role || have.Recipient != m.Recipient || have.Pin != m.Pin {
			return refuse("%s keeps its role and its keys for as long as it is a member: let it leave (\"rackpost pair leave\"), then join with a new token", have.Name)
		}
	}
	switch {
	case m.Role == mode.Witness && len(of[mode.Witness]) >= maxWitnesses:
		return refuse("the pair has a witness, %s: let that one leave first (\"rackpost pair leave\" there), then join with a new token", of[mode.Witness][0])
	case m.Role == mode.Box && len(of[mode.Box]) >= maxBoxes:
		return refuse("the pair has two boxes, %s and %s: replace the one that is dead (\"rackpost pair replace\"), or let one leave (\"rackpost pair leave\")", of[mode.Box][0], of[mode.Box][1])
	}
	return nil
}

// Members returns the members, by id.
func (s State) Members() []Member {
	var out []Member
	for _, d := range s.Documents(Peer) {
		if m, err := ParseMember(d.Content); err == nil { // it was read before it was let in
			out = append(out, m)
		}
	}
	return out
}

// Member returns one member.
func (s State) Member(id mode.NodeID) (Member, bool) {
	d, ok := s.Document(Peer + id.String())
	if !ok {
		return Member{}, false
	}
	m, err := ParseMember(d.Content)
	return m, err == nil
}

func (r *Raise) apply(s *State, _ uint64) error {
	members := s.Members()
	switch {
	case r.Level == s.Level():
		return nil
	case r.Level < s.Level():
		return refuse("the feature level is %d and is never lowered", s.Level())
	case len(members) == 0:
		return refuse("no member is known yet")
	}
	for _, m := range members {
		if m.Speaks < r.Level {
			return refuse("%s speaks feature level %d only: update it, then raise the level to %d", m.Name, m.Speaks, r.Level)
		}
	}
	if r.Level > Level {
		return fmt.Errorf("feature level %d is %w", r.Level, ErrNewer)
	}
	s.level = r.Level
	return nil
}
