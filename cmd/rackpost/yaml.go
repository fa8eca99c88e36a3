package main

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"rackpost/hw"
)

// Bounds of a configuration file.
const (
	maxConfigBytes = 1 << 20
	maxConfigDepth = 32 // of brackets and dashes; ours nest 6 deep
)

// text is a scalar of the file as it was written. The zero text was not set.
type text struct {
	s   string
	at  place
	bad bool // it was no scalar, which was told
}

func (t text) set() bool { return t.at.line > 0 }

// decoder turns the tree of a YAML file into structs, telling every problem it meets.
//
// A struct field is known by its yaml tag and is a text, a struct, a slice of structs or texts or a
// map of names to texts or structs; an untagged field of type place receives where the struct
// stands. There are no aliases, anchors or tags: each value is written where it holds.
type decoder struct {
	file     string
	problems problems
}

// decodeYAML reads data into the struct that into points to.
func decodeYAML(file string, data []byte, into any) problems {
	d := &decoder{file: file}
	body := d.parse(data)
	if body != nil {
		d.value(body, reflect.ValueOf(into).Elem(), place{file, 1, 1}, "the file")
	}
	return d.problems
}

func (d *decoder) parse(data []byte) (body ast.Node) {
	start := place{d.file, 1, 1}
	if at, too := tooBig(data); too != "" {
		d.problems.add(place{d.file, at, 1}, "%s", too)
		return nil
	}
	defer func() { // the parser is not ours, and the file may be anything
		if r := recover(); r != nil {
			d.problems.add(start, "this is not YAML: %v", r)
			body = nil
		}
	}()
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")) // else it counts the lines of comments twice
	f, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	var syntax *yaml.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at := d.placeOf(syntax.Token, start)
		if strings.Contains(syntax.Message, "'\t'") {
			d.problems.add(at, "a tab; write spaces to indent")
			return nil
		}
		d.problems.add(at, "%s", syntax.Message)
	case err != nil:
		d.problems.add(start, "%v", err)
	case len(f.Docs) == 0 || isNothing(f.Docs[0].Body):
		d.problems.add(start, "the file is empty")
	case len(f.Docs) > 1:
		at := start
		if b := f.Docs[1].Body; b != nil {
			at = d.nodePlace(b, start)
		}
		d.problems.add(at, "a second document begins here; keep one in a file")
	default:
		return f.Docs[0].Body
	}
	return nil
}

// isNothing tells of a document without a value: also ~ and null are none.
func isNothing(body ast.Node) bool {
	_, null := body.(*ast.NullNode)
	return body == nil || null
}

// tooBig returns the line and the reason if data would cost the parser too much.
func tooBig(data []byte) (line int, reason string) {
	if len(data) > maxConfigBytes {
		return 1, fmt.Sprintf("the file has %d bytes; at most %d are read", len(data), maxConfigBytes)
	}
	line = 1
	depth, dashes := 0, 0
	for _, c := range data {
		switch c {
		case '\n':
			line++
			dashes = 0
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		case '-', '?':
			dashes++
		}
		if depth > maxConfigDepth || dashes > 8*maxConfigDepth {
			return line, "the nesting is too deep"
		}
	}
	return 0, ""
}

func (d *decoder) placeOf(t *token.Token, otherwise place) place {
	if t == nil || t.Position == nil || t.Position.Line < 1 {
		return otherwise
	}
	return place{d.file, t.Position.Line, max(t.Position.Column, 1)}
}

// nodePlace is where n begins. The token of a mapping is its first colon: its first key
// stands before it.
func (d *decoder) nodePlace(n ast.Node, otherwise place) place {
	if n == nil {
		return otherwise
	}
	switch x := n.(type) {
	case *ast.MappingNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			return d.placeOf(x.Values[0].Key.GetToken(), otherwise)
		}
	case *ast.MappingValueNode:
		return d.placeOf(x.Key.GetToken(), otherwise)
	}
	return d.placeOf(n.GetToken(), otherwise)
}

var (
	textType  = reflect.TypeFor[text]()
	placeType = reflect.TypeFor[place]()
)

// wanter is a struct that takes note of being something else in the file, and says in its
// own words what to write for it.
type wanter interface{ refuse() string }

// value decodes n, which stands under name at the given place, into v.
func (d *decoder) value(n ast.Node, v reflect.Value, at place, name string) {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		here := d.nodePlace(n, at)
		d.problems.add(here, "%s: anchors (&), aliases (*) and tags (!) are not used here; write the value itself", name)
		if v.Type() == textType {
			v.Set(reflect.ValueOf(text{at: here, bad: true}))
		}
		return
	case *ast.NullNode:
		return
	}
	if w, ok := v.Addr().Interface().(wanter); ok && sortOf(n) != "keys with values" {
		d.problems.add(d.nodePlace(n, at), "%s: %s", name, w.refuse())
		return
	}
	switch {
	case v.Type() == textType:
		d.scalar(n, v, at, name)
	case v.Kind() == reflect.Struct, v.Kind() == reflect.Map:
		d.mapping(n, v, at, name)
	case v.Kind() == reflect.Slice:
		d.sequence(n, v, at, name)
	}
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, at place, name string) {
	here := d.nodePlace(n, at)
	switch x := n.(type) {
	case *ast.LiteralNode:
		v.Set(reflect.ValueOf(text{s: strings.TrimRight(x.Value.Value, "\n"), at: here}))
	case *ast.StringNode:
		v.Set(reflect.ValueOf(text{s: x.Value, at: here}))
	case ast.ScalarNode: // 012 and yes stay what was written
		v.Set(reflect.ValueOf(text{s: x.GetToken().Value, at: here}))
	default:
		v.Set(reflect.ValueOf(text{at: here, bad: true}))
		d.problems.add(here, "%s: one value is wanted here, not %s", name, sortOf(n))
	}
}

func (d *decoder) sequence(n ast.Node, v reflect.Value, at place, name string) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		form := "lines that begin with \"- \""
		if v.Type().Elem() == textType {
			form = "such as [a, b]"
		}
		d.problems.add(d.nodePlace(n, at), "%s: a list is wanted here (%s), not %s", name, form, sortOf(n))
		return
	}
	if len(s.Values) == 0 { // an empty list was set all the same
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	}
	words := v.Type().Elem() == textType
	for _, item := range s.Values {
		if sort := sortOf(item); !words && sort != "keys with values" {
			d.problems.add(d.nodePlace(item, at), "%s: each item of this list has keys with values (\"- name: ...\"), and is not %s", name, sort)
			continue
		}
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(item, e, d.nodePlace(item, at), name)
		if words && e.IsZero() {
			d.problems.add(d.nodePlace(item, at), "%s: an item of this list is empty", name)
		}
		v.Set(reflect.Append(v, e))
	}
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, at place, name string) {
	var values []*ast.MappingValueNode
	switch x := n.(type) {
	case *ast.MappingNode:
		values = x.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{x}
	default:
		d.problems.add(d.nodePlace(n, at), "%s: keys with values are wanted here, not %s", name, sortOf(n))
		return
	}
	fields := d.fields(v, d.nodePlace(n, at))
	seen := map[string]place{}
	for _, kv := range values {
		key, here, ok := d.key(kv, at, name)
		if !ok {
			continue
		}
		if first, twice := seen[key]; twice {
			d.problems.add(here, "%q is set twice; it stands in line %d already", key, first.line)
			continue
		}
		seen[key] = here
		d.entry(kv, key, here, v, fields)
	}
}

// key returns the text of the key of kv and where it stands.
func (d *decoder) key(kv *ast.MappingValueNode, at place, name string) (string, place, bool) {
	here := d.placeOf(kv.Key.GetToken(), at)
	if _, merge := kv.Key.(*ast.MergeKeyNode); merge {
		d.problems.add(here, "%s: merging with << is not used here; write the values themselves", name)
		return "", here, false
	}
	if _, scalar := kv.Key.(ast.ScalarNode); !scalar {
		d.problems.add(here, "%s: a key is a plain word", name)
		return "", here, false
	}
	if s, ok := kv.Key.(*ast.StringNode); ok {
		return s.Value, here, true
	}
	return kv.Key.GetToken().Value, here, true
}

// entry decodes one key of a struct or a map.
func (d *decoder) entry(kv *ast.MappingValueNode, key string, here place, v reflect.Value, fields map[string]reflect.Value) {
	if v.Kind() == reflect.Map {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(kv.Value, e, here, key)
		if e.Kind() == reflect.Struct && e.Type() != textType {
			d.fields(e, here) // a named thing stands where its name does
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		v.SetMapIndex(reflect.ValueOf(key), e)
		return
	}
	f, ok := fields[key]
	if !ok {
		d.unknown(key, here, fields)
		return
	}
	d.value(kv.Value, f, here, key)
	if f.Kind() == reflect.Struct && f.Type() != textType {
		d.fields(f, here)
	}
}

func (d *decoder) unknown(key string, here place, fields map[string]reflect.Value) {
	var names []string
	for n := range fields {
		names = append(names, n)
	}
	slices.Sort(names)
	if s := hw.Nearest(key, names); s != "" {
		d.problems.add(here, "unknown key %q; did you mean %q?", key, s)
		return
	}
	d.problems.add(here, "unknown key %q; the keys here are %s", key, strings.Join(names, ", "))
}

// fields returns the tagged fields of the struct v and writes where it stands into its
// place. A map has none.
func (d *decoder) fields(v reflect.Value, at place) map[string]reflect.Value {
	if v.Kind() != reflect.Struct {
		return nil
	}
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if tag := f.Tag.Get("yaml"); tag != "" {
			fields[tag] = v.Field(i)
		} else if f.Type == placeType {
			v.Field(i).Set(reflect.ValueOf(at))
		}
	}
	return fields
}

func sortOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	case nil, *ast.NullNode:
		return "nothing"
	}
	return "a single value"
}
