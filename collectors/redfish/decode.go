package redfish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// What may cost a list a member.
const (
	notObject = "not an object"
	notList   = "not a list"
)

// Raw is a part of a document, decoded by whoever knows it: Oem, Actions, a member.
type Raw []byte

// Decode reads r, or the object that r is a list of, into v, a pointer to a struct. Without a document it sets nothing.
func (r Raw) Decode(v any) ([]Odd, error) {
	if len(r) == 0 {
		return nil, nil
	}
	if s := (scanner{b: r}); s.next() == '[' && json.Valid(r) {
		if s.pass(); s.next() == '{' {
			if inner := s.skip(); s.next() == ']' {
				return Decode(inner, v)
			}
		}
	}
	return Decode(r, v)
}

// Loose is a text that some services give as a number: an etag, a slot.
type Loose string

// Odd is a property that was not as Redfish has it. It was read as well as it could be, and nothing else was lost for it.
type Odd struct {
	Property string // such as "Fans[3].Reading"
	What     string
}

// String returns property and what is odd with it.
func (o Odd) String() string { return o.Property + ": " + o.What }

// Decode reads the JSON object doc into v, a pointer to a struct, and returns what was odd, at most 40 properties. A property of the
// wrong type never costs another one: a number in quotes is a number, 1.9e12 an integer, one object a list of one and the other way round, null
// nothing at all. What cannot be understood stays zero. It is an error only if doc is not one JSON object or nests deeper than 64.
//
// Of a link that is a whole URL the path is read, whatever host it names.
//
// Fields may be strings, Loose, Raw, pointers to float64, int64 and bool, structs, slices and maps by name of these. Names are those
// of the json tags, and are compared exactly. An embedded struct's fields count as the struct's own.
func Decode(doc []byte, v any) ([]Odd, error) {
	doc, err := document(doc)
	if err != nil {
		return nil, err
	}
	return decode(doc, v)
}

// decode is Decode for a document that was checked.
func decode(doc []byte, v any) ([]Odd, error) {
	dst := reflect.ValueOf(v)
	if dst.Kind() != reflect.Pointer || dst.IsNil() || dst.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("decode into a %T, which is no pointer to a struct", v)
	}
	d := decoder{scanner: scanner{b: doc}, plans: map[reflect.Type]plan{}}
	dst.Elem().SetZero()
	d.value(dst.Elem())
	if d.deep {
		dst.Elem().SetZero()
		return nil, errTooDeep
	}
	return d.odd, nil
}

// plan says which field of a struct holds a property.
type plan map[string][]int

type decoder struct {
	scanner
	plans map[reflect.Type]plan
	path  []string // where the value stands, from the top
	odd   []Odd
}

// strange tells what is odd where the decoder stands. What may cost a member of a list is told beside maxOdd small things.
func (d *decoder) strange(what string) {
	most := maxOdd
	if what == notObject || what == notList {
		most = 2 * maxOdd
	}
	if len(d.odd) < most {
		d.odd = append(d.odd, Odd{strings.TrimPrefix(strings.Join(d.path, ""), "."), what})
	}
}

// in runs read one step further down.
func (d *decoder) in(step string, read func()) {
	d.path = append(d.path, step)
	read()
	d.path = d.path[:len(d.path)-1]
}

func (d *decoder) value(dst reflect.Value) {
	if d.next() == 'n' {
		d.skip()
		return
	}
	switch dst.Interface().(type) {
	case Raw:
		dst.SetBytes(bytes.Clone(d.skip()))
		return
	case Loose:
		dst.SetString(d.loose())
		return
	}
	switch dst.Kind() {
	case reflect.Struct:
		d.object(dst)
	case reflect.Slice:
		d.list(dst)
	case reflect.Map:
		d.named(dst)
	case reflect.String:
		dst.SetString(d.words())
	case reflect.Pointer:
		d.scalar(dst)
	default:
		d.strange("rackpost has no way to hold it")
		d.skip()
	}
}

func (d *decoder) object(dst reflect.Value) {
	switch c := d.next(); {
	case c == '"' && dst.Type() == reflect.TypeFor[Link]():
		d.strange("a text where a link was expected")
		dst.Set(reflect.ValueOf(Link{Path: onDevice(unquote(d.skip()))}))
		return
	case c == '[' && d.only(dst):
		return
	case c != '{':
		d.strange(notObject)
		d.skip()
		return
	}
	p := d.plan(dst.Type())
	var seen map[string]bool
	d.each(func(name string) {
		index, ok := p[name]
		if !ok {
			d.skip()
			return
		}
		d.in("."+name, func() {
			if seen[name] {
				d.strange("given twice: the first counts")
				d.skip()
				return
			}
			if seen == nil {
				seen = make(map[string]bool, len(p))
			}
			seen[name] = true
			f := dst.FieldByIndex(index)
			d.value(f)
			if f.Kind() == reflect.String && (name == "@odata.id" || strings.HasSuffix(name, "@odata.nextLink")) {
				f.SetString(onDevice(f.String()))
			}
		})
	})
}

// only reads the object that a list consists of; false where the list is another one, and nothing was read.
func (d *decoder) only(dst reflect.Value) bool {
	list := scanner{b: d.b, i: d.i}
	end := scanner{b: d.b, i: d.i}
	end.skip()
	if list.pass() != '{' {
		return false
	}
	inner := list.i
	if list.skip(); list.next() != ']' {
		return false
	}
	d.strange("a list with an object in the place of the object")
	d.i = inner
	d.object(dst)
	d.i = end.i
	return true
}

// onDevice returns the path of a link: some services write it with scheme and host. Which host they write is not looked at: the
// path is used on this device only.
func onDevice(link string) string {
	scheme, rest, ok := strings.Cut(link, "://")
	if !ok || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return link
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return link
}

func (d *decoder) plan(t reflect.Type) plan {
	if p, ok := d.plans[t]; ok {
		return p
	}
	p := plan{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		p[name] = f.Index
	}
	d.plans[t] = p
	return p
}

func (d *decoder) list(dst reflect.Value) {
	if d.next() != '[' {
		d.strange(notList)
		dst.Grow(1)
		dst.SetLen(1)
		d.value(dst.Index(0))
		if dst.Index(0).IsZero() {
			dst.SetZero()
		}
		return
	}
	dst.Set(reflect.MakeSlice(dst.Type(), 0, 4))
	d.elements(func(i int) {
		if i >= maxElements {
			if i == maxElements {
				d.strange(fmt.Sprintf("more than %d elements: the rest was not read", maxElements))
			}
			d.skip()
			return
		}
		d.in("["+strconv.Itoa(i)+"]", func() { d.element(dst) })
	})
}

// element adds one element to the list; null is none.
func (d *decoder) element(dst reflect.Value) {
	if d.next() == 'n' {
		d.skip()
		return
	}
	n := dst.Len()
	dst.Grow(1)
	dst.SetLen(n + 1)
	dst.Index(n).SetZero()
	wrong := dst.Type().Elem().Kind() == reflect.Struct && d.next() != '{'
	d.value(dst.Index(n))
	if wrong && dst.Index(n).IsZero() {
		dst.SetLen(n)
	}
}

func (d *decoder) named(dst reflect.Value) {
	if d.next() != '{' {
		d.strange(notObject)
		d.skip()
		return
	}
	dst.Set(reflect.MakeMap(dst.Type()))
	d.each(func(name string) {
		if dst.Len() >= maxElements {
			d.skip()
			return
		}
		d.in("."+name, func() {
			v := reflect.New(dst.Type().Elem()).Elem()
			d.value(v)
			dst.SetMapIndex(reflect.ValueOf(name), v)
		})
	})
}

func (d *decoder) words() string {
	switch c := d.next(); c {
	case '"':
		return unquote(d.skip())
	case '{', '[':
		d.strange("not a text")
		d.skip()
		return ""
	}
	d.strange("not in quotes")
	return string(d.skip())
}

func (d *decoder) loose() string {
	if c := d.next(); c == '"' || c == '{' || c == '[' {
		return d.words()
	}
	return string(d.skip())
}

// scalar reads a number or a truth value; what is none leaves the pointer nil.
func (d *decoder) scalar(dst reflect.Value) {
	c := d.next()
	token := d.skip()
	text := string(token)
	quoted := c == '"'
	if quoted {
		if text = strings.TrimSpace(unquote(token)); text == "" {
			return
		}
	}
	v := reflect.New(dst.Type().Elem())
	var ok, usual bool
	switch x := v.Interface().(type) {
	case *float64:
		*x, ok = float(text)
		usual = !quoted
	case *int64:
		*x, ok = integer(text)
		usual = !quoted
	case *bool:
		*x, ok = truth(text)
		usual = c == 't' || c == 'f'
	}
	switch {
	case !ok:
		d.strange("not a " + dst.Type().Elem().String())
		return
	case !usual:
		d.strange("a " + dst.Type().Elem().String() + " in another form")
	}
	dst.Set(v)
}

func float(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

func integer(s string) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, ok := float(s)
	if !ok || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

func truth(s string) (bool, bool) {
	switch strings.ToLower(s) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}
