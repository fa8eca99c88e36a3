package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rackpost/replicate/mode"
)

// latest is the end of the year 9999, in milliseconds.
const latest = 253402300799999

// codec writes fields to b, or takes them from it. One method a type serves both ways, so that they cannot differ; there
// is one way to write a value, and what is too long is refused in both.
type codec struct {
	b       []byte
	reading bool
	err     error
}

func (c *codec) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
	}
}

func (c *codec) num(v *uint64) {
	if !c.reading {
		c.b = binary.AppendUvarint(c.b, *v)
		return
	}
	n, size := binary.Uvarint(c.b)
	if size <= 0 || size > 1 && c.b[size-1] == 0 {
		c.fail("no number where one belongs")
		c.b, n, size = nil, 0, 0
	}
	*v, c.b = n, c.b[size:]
}

// upTo is a number with a bound.
func (c *codec) upTo(v *uint64, most uint64) {
	if c.num(v); *v > most {
		c.fail("%d where at most %d may be", *v, most)
	}
}

func (c *codec) small(v *uint32) {
	n := uint64(*v)
	c.upTo(&n, 1<<32-1)
	*v = uint32(n)
}

func (c *codec) blob(v *[]byte, most int) {
	n := uint64(len(*v))
	c.num(&n)
	if n > uint64(most) {
		c.fail("%d bytes where at most %d may be", n, most)
		return
	}
	if !c.reading {
		c.b = append(c.b, *v...)
		return
	}
	if n > uint64(len(c.b)) {
		c.fail("it ends too early")
		n = 0
	}
	*v, c.b = append([]byte{}, c.b[:n]...), c.b[n:]
}

// text is UTF-8 without control characters, so that it can be shown.
func (c *codec) text(v *string, most int) {
	b := []byte(*v)
	if c.blob(&b, most); c.reading {
		*v = string(b)
	}
	if !utf8.ValidString(*v) || strings.ContainsFunc(*v, unicode.IsControl) {
		c.fail("a text that cannot be shown: %.40q", *v)
	}
}

// must is a text that is not empty.
func (c *codec) must(v *string, what string, most int) {
	if c.text(v, most); *v == "" {
		c.fail("%s is missing", what)
	}
}

func (c *codec) fixed(v []byte) {
	if !c.reading {
		c.b = append(c.b, v...)
		return
	}
	if len(c.b) < len(v) {
		c.fail("it ends too early")
		c.b = nil
		return
	}
	c.b = c.b[copy(v, c.b):]
}

func (c *codec) node(v *mode.NodeID) {
	if c.fixed(v[:]); *v == (mode.NodeID{}) {
		c.fail("the id of a member is missing")
	}
}

// when is a time in milliseconds; the zero time is 0.
func (c *codec) when(v *time.Time) {
	var ms uint64
	if !c.reading && !v.IsZero() {
		if v.UnixMilli() <= 0 || v.UnixMilli() > latest {
			c.fail("the time %s", v)
			return
		}
		ms = uint64(v.UnixMilli())
	}
	if c.upTo(&ms, latest); c.reading && ms > 0 {
		*v = time.UnixMilli(int64(ms)).UTC()
	}
}

// at is a time that is not zero.
func (c *codec) at(v *time.Time) {
	if c.when(v); v.IsZero() {
		c.fail("the time is missing")
	}
}

// end requires that nothing is left.
func (c *codec) end() error {
	if c.err == nil && c.reading && len(c.b) > 0 {
		c.fail("%d bytes too many", len(c.b))
	}
	return c.err
}

// list is a list of at most so many.
func list[T any](c *codec, v *[]T, most int, fields func(*T, *codec)) {
	n := uint64(len(*v))
	if c.upTo(&n, uint64(most)); c.err != nil {
		return
	}
	if c.reading {
		*v = nil
	}
	for i := 0; i < int(n) && c.err == nil; i++ {
		if c.reading {
			*v = append(*v, *new(T))
		}
		fields(&(*v)[i], c)
	}
}

// shared is a list of values that states share.
func shared[T any](c *codec, v *[]*T, most int, fields func(*T, *codec)) {
	list(c, v, most, func(p **T, c *codec) {
		if c.reading {
			*p = new(T)
		}
		fields(*p, c)
	})
}

// ErrMalformed says that bytes are no command, or no state.
var ErrMalformed = errors.New("malformed")
