package sim

import "strings"

// The error-status values of RFC 1157 and RFC 3416 that an agent of ours gives.
const (
	noError    = 0
	tooBig     = 1
	noSuchName = 2
	genErr     = 5
	noAccess   = 6
)

// trouble is what faults do to the answers themselves.
type trouble struct {
	failing []oid // reading in one of these subtrees gives genErr
	limit   int   // an answer of more objects than this gives tooBig; 0 is none
	garbage string
	mangled uint64 // how many answers were, for the kinds that take turns
}

func (t *trouble) fails(name string) bool {
	for _, o := range t.failing {
		if strings.HasPrefix(name, string(o)) {
			return true
		}
	}
	return false
}

// answerer builds answers in buffers it keeps. It is not safe for concurrent use.
type answerer struct {
	max     int // bytes of a whole message
	name    []byte
	body    []byte
	out     []byte
	columns []column
	count   int // objects in body
}

// column is one repeated name of a GETBULK.
type column struct {
	next int    // place in the view of what comes next
	name []byte // content of the last name given, for endOfMibView
}

// answer returns the response to q, or nil when q is broken and gets none. Readings it
// numbered are taken back when the answer does not hold them.
func (a *answerer) answer(q *request, v *view, m *moment, t *trouble) []byte {
	a.body, a.count = a.body[:0], 0
	given := m.given
	status, index, ok := noError, 0, false
	switch q.pdu {
	case tagSet:
		status, index, ok = noAccess, 1, true
		if q.version == 0 {
			status = noSuchName
		}
	case tagGetBulk:
		status, index, ok = a.bulk(q, v, m, t)
	default:
		status, index, ok = a.single(q, v, m, t)
	}
	if !ok {
		m.given = given
		return nil
	}
	if status != noError {
		m.given = given
		a.count = 0
		a.body = append(a.body[:0], q.varbinds...)
		if status == tooBig && q.version == 1 {
			a.body = a.body[:0]
		}
	}
	return a.message(q, status, index)
}

// single answers GET and GETNEXT.
func (a *answerer) single(q *request, v *view, m *moment, t *trouble) (status, index int, ok bool) {
	r := reader{q.varbinds}
	for k := 1; ; k++ {
		name, content, end, ok := nextName(&r, a.name)
		a.name = name
		if !ok || end {
			return noError, 0, ok
		}
		e, exception := choose(q, v, name)
		switch {
		case t.fails(string(name)) && q.pdu == tagGet, e != nil && t.fails(string(e.name)):
			return genErr, k, true
		case e == nil && q.version == 0:
			return noSuchName, k, true
		case t.limit > 0 && a.count >= t.limit:
			return tooBig, 0, true
		case e != nil && !a.emit(q, e, m), e == nil && !a.emitException(q, content, exception):
			return tooBig, 0, true
		}
	}
}

// choose returns the object that GET or GETNEXT of name gives, or the exception.
func choose(q *request, v *view, name []byte) (*entry, byte) {
	i, found := v.find(name)
	if q.pdu == tagGet {
		switch {
		case found && visible(q, &v.entries[i]):
			return &v.entries[i], 0
		case v.hasColumn(name):
			return nil, tagNoInstance
		}
		return nil, tagNoObject
	}
	if found {
		i++
	}
	for ; i < len(v.entries); i++ {
		if visible(q, &v.entries[i]) {
			return &v.entries[i], 0
		}
	}
	return nil, tagEndOfView
}

// visible says whether v1 can see e: it has no Counter64 (RFC 3584, 4.2.2.1).
func visible(q *request, e *entry) bool { return q.version > 0 || e.tag != tagCounter64 }

// bulk answers GETBULK, with as many objects as fit.
func (a *answerer) bulk(q *request, v *view, m *moment, t *trouble) (status, index int, ok bool) {
	single := 0
	a.columns = a.columns[:0]
	r := reader{q.varbinds}
	for k := int64(1); ; k++ {
		name, content, end, ok := nextName(&r, a.name)
		a.name = name
		if !ok {
			return noError, 0, false
		}
		if end {
			break
		}
		i, found := v.find(name)
		if found {
			i++
		}
		c := column{next: i, name: content}
		if k > q.first {
			a.columns = append(a.columns, c)
			continue
		}
		single++
		if status, full := a.step(q, v, m, t, &c); status != noError {
			return status, single, true
		} else if full {
			return a.cut()
		}
	}
	return a.repeat(q, v, m, t, single)
}

// repeat gives the repeated columns of a GETBULK, row by row.
func (a *answerer) repeat(q *request, v *view, m *moment, t *trouble, before int) (status, index int, ok bool) {
	for n := int64(0); n < q.second && len(a.columns) > 0; n++ {
		live := false
		for j := range a.columns {
			c := &a.columns[j]
			live = live || c.next < len(v.entries)
			if status, full := a.step(q, v, m, t, c); status != noError {
				return status, before + j + 1, true
			} else if full {
				return a.cut()
			}
		}
		if !live {
			break
		}
	}
	return noError, 0, true
}

// cut ends an answer that is full; one that holds nothing at all is tooBig.
func (a *answerer) cut() (status, index int, ok bool) {
	if a.count == 0 {
		return tooBig, 0, true
	}
	return noError, 0, true
}

// step gives the next object of c.
func (a *answerer) step(q *request, v *view, m *moment, t *trouble, c *column) (status int, full bool) {
	if t.limit > 0 && a.count >= t.limit {
		return tooBig, false
	}
	if c.next >= len(v.entries) {
		return noError, !a.emitException(q, c.name, tagEndOfView)
	}
	e := &v.entries[c.next]
	if t.fails(string(e.name)) {
		return genErr, false
	}
	if !a.emit(q, e, m) {
		return noError, true
	}
	c.next++
	if c.next == len(v.entries) {
		c.name = appendOID(nil, e.name)[2:] // no name of ours needs a long length
	}
	return noError, false
}

// emit adds e to the answer; false says that it does not fit.
func (a *answerer) emit(q *request, e *entry, m *moment) bool {
	mark, given := len(a.body), m.given
	a.body = e.appendVarbind(a.body, m)
	if q.size(len(a.body)) > a.max {
		a.body, m.given = a.body[:mark], given
		return false
	}
	a.count++
	return true
}

func (a *answerer) emitException(q *request, name []byte, tag byte) bool {
	mark := len(a.body)
	a.body = appendHead(a.body, tagSequence, headSize(len(name))+len(name)+2)
	a.body = append(appendTLV(a.body, tagOID, name), tag, 0)
	if q.size(len(a.body)) > a.max {
		a.body = a.body[:mark]
		return false
	}
	a.count++
	return true
}

// pduSize is the content of the response PDU with an index in so many bytes and n bytes of varbinds.
func (q *request) pduSize(index, n int) int { return 2 + len(q.id) + 3 + 2 + index + headSize(n) + n }

func (q *request) messageSize(pdu int) int {
	return 3 + headSize(len(q.community)) + len(q.community) + headSize(pdu) + pdu
}

// size is the whole response without error and with n bytes of varbinds.
func (q *request) size(n int) int {
	msg := q.messageSize(q.pduSize(1, n))
	return headSize(msg) + msg
}

// message wraps body.
func (a *answerer) message(q *request, status, index int) []byte {
	var buf [8]byte
	place := appendInt(buf[:0], tagInteger, int64(index))
	pdu := q.pduSize(len(place)-2, len(a.body))
	b := appendHead(a.out[:0], tagSequence, q.messageSize(pdu))
	b = append(b, tagInteger, 1, q.version)
	b = appendTLV(b, tagOctets, q.community)
	b = appendHead(b, tagResponse, pdu)
	b = appendTLV(b, tagInteger, q.id)
	b = append(b, tagInteger, 1, byte(status))
	b = append(b, place...)
	b = appendHead(b, tagSequence, len(a.body))
	a.out = append(b, a.body...)
	return a.out
}
