package scrub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const maxDepth = 64 // of a document

// node is a value of JSON with all that a Go map forgets: the order of properties, how a number was written.
type node struct {
	kind  byte     // '{', '[', '"', or '0' for a number, true, false and null
	keys  []string // of an object
	items []*node  // of an object or an array
	text  string   // of a string, decoded; of the others, as written
}

// parse reads one JSON value and nothing after it.
func parse(body []byte) (*node, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	n, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document")
	}
	return n, nil
}

func parseValue(d *json.Decoder, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it nests deeper than %d", maxDepth)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := t.(type) {
	case json.Delim:
		return parseInside(d, byte(v), depth)
	case string:
		return &node{kind: '"', text: v}, nil
	case json.Number:
		return &node{kind: '0', text: v.String()}, nil
	case bool:
		return &node{kind: '0', text: fmt.Sprint(v)}, nil
	}
	return &node{kind: '0', text: "null"}, nil
}

func parseInside(d *json.Decoder, open byte, depth int) (*node, error) {
	n := &node{kind: open}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			n.keys = append(n.keys, key.(string)) // a Decoder takes no other
		}
		item, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	_, err := d.Token() // what closes it
	return n, err
}

// get returns a property of an object, or nil.
func (n *node) get(key string) *node {
	for i, k := range n.keys {
		if k == key {
			return n.items[i]
		}
	}
	return nil
}

// append writes n as JSON.
func (n *node) append(b []byte, indent string) []byte {
	switch n.kind {
	case '"':
		return appendString(b, n.text)
	case '{', '[':
		closing := n.kind + 2 // as in ASCII
		b = append(b, n.kind)
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(b, '\n'), indent+"  "...)
			if n.kind == '{' {
				b = append(appendString(b, n.keys[i]), ": "...)
			}
			b = item.append(b, indent+"  ")
		}
		if len(n.items) > 0 {
			b = append(append(b, '\n'), indent...)
		}
		return append(b, closing)
	}
	return append(b, n.text...)
}

func appendString(b []byte, s string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	return append(b, bytes.TrimRight(out.Bytes(), "\n")...)
}
