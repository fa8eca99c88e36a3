package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// anyGarbage takes the sorts in turn.
const anyGarbage = "any"

var garbageSorts = []string{"truncated", "noise", "wrong-id", "wrong-oid", "wrong-tag"}

func garbage(s *state, arg string) error {
	if arg == "" {
		arg = anyGarbage
	}
	if arg != anyGarbage && !slices.Contains(garbageSorts, arg) {
		return fmt.Errorf("%q: write %s, or nothing for all in turn", arg, strings.Join(garbageSorts, ", "))
	}
	s.trouble.garbage = arg
	return nil
}

// mangle breaks a good answer; it may change it in place.
func mangle(reply []byte, sort string, turn uint64) []byte {
	if sort == anyGarbage {
		sort = garbageSorts[turn%uint64(len(garbageSorts))]
	}
	switch sort {
	case "truncated":
		return reply[:len(reply)/2]
	case "noise":
		for i := range reply {
			reply[i] = byte(mix(turn<<16 | uint64(i)))
		}
		return reply
	}
	msg, _ := (&reader{reply}).expect(tagSequence)
	m := reader{msg}
	m.next()
	m.next()
	_, pdu, _ := m.next()
	p := reader{pdu}
	id, _ := p.expect(tagInteger)
	if sort == "wrong-id" && len(id) > 0 {
		id[len(id)-1] ^= 0x15
	}
	p.next()
	p.next()
	list, _ := p.expect(tagSequence)
	for vars := (reader{list}); len(vars.b) > 0; {
		vb, ok := vars.expect(tagSequence)
		if !ok {
			break
		}
		v := reader{vb}
		name, _ := v.expect(tagOID)
		switch {
		case sort == "wrong-tag" && len(v.b) > 0:
			v.b[0] = 0x7e
		case sort == "wrong-oid" && len(name) > 4:
			copy(name[4:], bytes.Repeat([]byte{1}, len(name)-4))
		}
	}
	return reply
}
