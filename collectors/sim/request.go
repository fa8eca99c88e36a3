package sim

// request is a decoded SNMP message. Its slices point into the packet.
type request struct {
	version   byte // 0 is v1, 1 is v2c
	community []byte
	vlan      uint32 // of the context that the community names; 0 is none
	pdu       byte
	id        []byte // content of the request-id, given back as it came
	first     int64  // error-status, or non-repeaters
	second    int64  // error-index, or max-repetitions
	varbinds  []byte // content of the list
}

// parseRequest decodes a message of SNMP v1 or v2c. Whatever is not one is not answered.
func parseRequest(packet []byte) (request, bool) {
	var q request
	outer := reader{packet}
	msg, ok := outer.expect(tagSequence)
	if !ok {
		return q, false
	}
	m := reader{msg}
	version, ok := m.expect(tagInteger)
	if !ok || len(version) != 1 || version[0] > 1 {
		return q, false
	}
	q.version = version[0]
	if q.community, ok = m.expect(tagOctets); !ok {
		return q, false
	}
	pdu, body, ok := m.next()
	if !ok {
		return q, false
	}
	q.pdu = pdu
	return q, q.parseBody(body)
}

func (q *request) parseBody(body []byte) bool {
	p := reader{body}
	var ok bool
	if q.id, ok = p.expect(tagInteger); !ok || len(q.id) == 0 || len(q.id) > 8 {
		return false
	}
	for _, v := range []*int64{&q.first, &q.second} {
		c, ok := p.expect(tagInteger)
		if !ok {
			return false
		}
		if *v, ok = parseInt(c); !ok {
			return false
		}
	}
	if q.varbinds, ok = p.expect(tagSequence); !ok {
		return false
	}
	switch q.pdu {
	case tagGet, tagGetNext, tagSet:
		return true
	case tagGetBulk:
		return q.version == 1
	}
	return false
}

// nextName takes the next varbind off r. end says that there was none; a broken one is !ok.
// name is reused for the decoded form, content is the name as it came.
func nextName(r *reader, name []byte) (decoded, content []byte, end, ok bool) {
	if len(r.b) == 0 {
		return name, nil, true, true
	}
	vb, ok := r.expect(tagSequence)
	if !ok {
		return name, nil, false, false
	}
	v := reader{vb}
	if content, ok = v.expect(tagOID); !ok {
		return name, nil, false, false
	}
	if _, _, ok = v.next(); !ok {
		return name, nil, false, false
	}
	decoded, ok = decodeOID(name, content)
	return decoded, content, false, ok
}
