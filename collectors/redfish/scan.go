package redfish

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The bounds of one document. Its size is bounded where it is read.
const (
	maxDepth    = 64
	maxElements = 10_000
	maxOdd      = 20
)

var (
	errTooDeep  = fmt.Errorf("it nests deeper than %d", maxDepth)
	errTrailing = errors.New("something follows the JSON document")
)

// document returns the one JSON object that body is. With errTrailing it returns the object before what should not be there.
func document(body []byte) ([]byte, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	switch {
	case len(body) == 0:
		return nil, errors.New("it is empty")
	case body[0] == '<':
		return nil, errors.New("it is a page of HTML or XML")
	case body[0] != '{':
		return nil, errors.New("it is not a JSON object")
	}
	if json.Valid(body) {
		return body, nil
	}
	var first json.RawMessage
	err := json.NewDecoder(bytes.NewReader(body)).Decode(&first)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("it breaks off")
	case err != nil:
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	return first, errTrailing
}

// scanner goes through valid JSON.
type scanner struct {
	b    []byte
	i    int
	deep bool // nested deeper than maxDepth
}

// next returns the first byte of what comes, 0 at the end.
func (s *scanner) next() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// pass steps over one byte and returns what comes after it.
func (s *scanner) pass() byte {
	s.next()
	s.i++
	return s.next()
}

// skip steps over one value and returns it.
func (s *scanner) skip() []byte {
	c := s.next()
	from := s.i
	switch c {
	case '"':
		s.text()
	case '{', '[':
		s.nested()
	default:
		for s.i < len(s.b) && bytes.IndexByte([]byte(" \t\r\n,]}"), s.b[s.i]) < 0 {
			s.i++
		}
	}
	return s.b[from:s.i]
}

func (s *scanner) nested() {
	for depth := 0; s.i < len(s.b); {
		switch s.b[s.i] {
		case '"':
			s.text()
			continue
		case '{', '[':
			depth++
			s.deep = s.deep || depth > maxDepth
		case '}', ']':
			depth--
		}
		s.i++
		if depth == 0 {
			return
		}
	}
}

func (s *scanner) text() {
	for s.i++; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case '\\':
			s.i++
		case '"':
			s.i++
			return
		}
	}
}

// each calls fn before every value of the object that comes, with the value's name; fn steps over the value.
func (s *scanner) each(fn func(name string)) {
	for c := s.pass(); c == '"'; c = s.pass() {
		name := unquote(s.skip())
		s.pass() // the colon
		fn(name)
		if s.next() != ',' {
			break
		}
	}
	s.i++
}

// elements calls fn before every value of the array that comes; fn steps over the value.
func (s *scanner) elements(fn func(i int)) {
	if s.pass() != ']' {
		for i := 0; ; i++ {
			fn(i)
			if s.next() != ',' {
				break
			}
			s.pass()
		}
	}
	s.i++
}

// unquote returns the text of a JSON string, as valid UTF-8.
func unquote(b []byte) string {
	if len(b) < 2 {
		return ""
	}
	if inner := b[1 : len(b)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(bytes.ToValidUTF8(inner, []byte("\uFFFD")))
	}
	var text string
	if json.Unmarshal(b, &text) != nil {
		return ""
	}
	return text
}
