package snmp

import "bytes"

// header is what tells whether a message answers another, read without trust and without
// allocation. RFC 3416 for v2c, RFC 3412 for v3.
type header struct {
	version   int64
	community []byte // v2c
	messageID int64  // v3
	requestID int64  // v2c; v3 when not encrypted
	pdu       byte   // tag of the PDU; 0 when encrypted
	report    int    // v3 Report: the last number but one of a usmStats OID, else 0
}

// id is what an answer repeats of its request.
func (h header) id() int64 {
	if h.version == 3 {
		return h.messageID
	}
	return h.requestID
}

// The PDU tags used here.
const (
	tagSequence = 0x30
	tagInteger  = 0x02
	tagString   = 0x04
	tagOID      = 0x06
	tagResponse = 0xa2
	tagReport   = 0xa8
)

// element splits the first BER element off b.
func element(b []byte) (tag byte, body, rest []byte, ok bool) {
	if len(b) < 2 {
		return 0, nil, nil, false
	}
	tag, n := b[0], int(b[1])
	b = b[2:]
	if n >= 0x80 {
		octets := n & 0x7f
		if octets == 0 || octets > 4 || octets > len(b) {
			return 0, nil, nil, false
		}
		n = 0
		for _, x := range b[:octets] {
			n = n<<8 | int(x)
		}
		b = b[octets:]
	}
	if n < 0 || n > len(b) {
		return 0, nil, nil, false
	}
	return tag, b[:n], b[n:], true
}

func integer(b []byte) (v int64, rest []byte, ok bool) {
	tag, body, rest, ok := element(b)
	if !ok || tag != tagInteger || len(body) == 0 || len(body) > 8 {
		return 0, nil, false
	}
	v = int64(int8(body[0]))
	for _, x := range body[1:] {
		v = v<<8 | int64(x)
	}
	return v, rest, true
}

// readHeader reads the header of a whole message.
func readHeader(p []byte) (h header, ok bool) {
	tag, b, rest, ok := element(p)
	if !ok || tag != tagSequence || len(rest) != 0 {
		return h, false
	}
	if h.version, b, ok = integer(b); !ok {
		return h, false
	}
	if h.version == 3 {
		return h, h.readV3(b)
	}
	if tag, h.community, b, ok = element(b); !ok || tag != tagString {
		return h, false
	}
	return h, h.readPDU(b)
}

func (h *header) readV3(b []byte) bool {
	tag, global, b, ok := element(b)
	if !ok || tag != tagSequence {
		return false
	}
	if h.messageID, _, ok = integer(global); !ok {
		return false
	}
	if tag, _, b, ok = element(b); !ok || tag != tagString { // security parameters
		return false
	}
	tag, scoped, _, ok := element(b)
	if !ok || tag == tagString { // encrypted
		return ok
	}
	for range 2 { // context engine, context name
		if tag, _, scoped, ok = element(scoped); !ok || tag != tagString {
			return false
		}
	}
	return h.readPDU(scoped)
}

// usmStats is 1.3.6.1.6.3.15.1.1 of SNMP-USER-BASED-SM-MIB in BER.
var usmStats = []byte{0x2b, 6, 1, 6, 3, 15, 1, 1}

func (h *header) readPDU(b []byte) bool {
	tag, b, _, ok := element(b)
	if !ok {
		return false
	}
	h.pdu = tag
	if h.requestID, b, ok = integer(b); !ok {
		return false
	}
	if tag != tagReport {
		return true
	}
	for range 2 { // error status, error index
		if _, b, ok = integer(b); !ok {
			return false
		}
	}
	_, list, _, _ := element(b)
	_, bind, _, _ := element(list)
	tag, oid, _, _ := element(bind)
	if tag == tagOID && len(oid) == len(usmStats)+2 && bytes.HasPrefix(oid, usmStats) {
		h.report = int(oid[len(usmStats)])
	}
	return true
}
