package trust

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"

	"filippo.io/age"

	"rackpost/replicate/mode"
)

// Member is what the others must know of a member.
type Member struct {
	Node      mode.NodeID       `json:"node"`
	Name      string            `json:"name"` // for people; no two members have the same
	Role      mode.Role         `json:"role"`
	Recipient string            `json:"recipient,omitempty"` // age1...: secrets are sealed to it; boxes only
	Addresses map[string]string `json:"addresses,omitempty"` // path -> host:port
	Origin    string            `json:"origin,omitempty"`    // of its journal; boxes only
}

// How many members of a role a pair has at most.
const (
	maxBoxes     = 2
	maxWitnesses = 1
)

const (
	maxPaths   = 8
	maxAddress = 255
	maxWord    = 64
)

var (
	memberName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	pathName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)
	idWord     = regexp.MustCompile(`^[0-9A-Za-z-]{0,64}$`)
)

// Check says what is wrong with it.
func (m Member) Check() error {
	var errs []error
	if m.Node == (mode.NodeID{}) {
		errs = append(errs, errors.New("node: it has no id"))
	}
	if !memberName.MatchString(m.Name) {
		errs = append(errs, fmt.Errorf("name: %.80q: write 1 to 63 letters, digits, dots, hyphens or underscores, the first a letter or a digit", m.Name))
	}
	if len(m.Addresses) > maxPaths {
		errs = append(errs, fmt.Errorf("addresses: %d paths, %d are enough", len(m.Addresses), maxPaths))
	}
	for path, address := range m.Addresses {
		errs = append(errs, checkAddress(path, address))
	}
	return errors.Join(append(errs, m.checkRole())...)
}

func (m Member) checkRole() error {
	switch m.Role {
	case mode.Box:
		if _, err := age.ParseX25519Recipient(m.Recipient); err != nil {
			return errors.New("recipient: a box needs one to seal secrets to, \"age1...\"")
		}
		if m.Origin == "" || !idWord.MatchString(m.Origin) {
			return errors.New("origin: a box needs the origin of its journal")
		}
	case mode.Witness:
		if m.Recipient != "" || m.Origin != "" {
			return errors.New("a witness has no journal and is sealed nothing")
		}
	default:
		return errors.New("role: write box or witness")
	}
	return nil
}

func checkAddress(path, address string) error {
	if !pathName.MatchString(path) {
		return fmt.Errorf("addresses: path %.40q: write 1 to 32 letters, digits, dots, hyphens or underscores", path)
	}
	host, port, err := net.SplitHostPort(address)
	number, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || number == 0 || host == "" || len(address) > maxAddress {
		return fmt.Errorf("addresses: %s: %.80q: write host:port", path, address)
	}
	return nil
}

func sortMembers(list []Member) {
	slices.SortFunc(list, func(a, b Member) int { return slices.Compare(a.Node[:], b.Node[:]) })
}

// room says whether m may come beside the members there are.
func room(members []Member, m Member) error {
	boxes, witnesses := 0, 0
	for _, have := range members {
		switch {
		case have.Node == m.Node:
			continue // it comes again, after an answer it did not get
		case have.Name == m.Name:
			return refuse(Taken, "another member is called %s: give this one another name in its box.yaml", m.Name)
		case m.Origin != "" && have.Origin == m.Origin:
			return refuse(Taken, "this box's journal is a copy of %s's, and two boxes must not write one journal: give this box an empty data folder", have.Name)
		case have.Role == mode.Box:
			boxes++
		case have.Role == mode.Witness:
			witnesses++
		}
	}
	if m.Role == mode.Box && boxes >= maxBoxes {
		return refuse(Taken, "the pair has two boxes: replace the one that is dead (\"rackpost pair replace\"), or let one leave (\"rackpost pair leave\")")
	}
	if m.Role == mode.Witness && witnesses >= maxWitnesses {
		return refuse(Taken, "the pair has a witness: let that one leave first (\"rackpost pair leave\")")
	}
	return nil
}
