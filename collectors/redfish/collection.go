package redfish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"rackpost/hw"
)

// The bounds of one collection, or list, with all its members.
const (
	maxPages = 100
	maxList  = 16 << 20 // bytes; 256 drives have 2 MB
)

// Item is one resource of a collection.
type Item[T any] struct {
	Path  string
	Value T
	Odd   []Odd // what was odd in it; see Decode
}

// Failure is a resource that could not be read.
type Failure struct {
	Path string
	Err  error // a *collectors.VisitError
}

// Members are the resources that a document links to.
type Members[T any] struct {
	Doc      Raw // the document that links to them: of a collection its first page
	Items    []Item[T]
	Failed   []Failure // could not be read
	Complete bool      // these are all there are: a resource that is not here is not there. Never true beside a Failure
}

// page is a document that links to resources.
type page struct {
	Members []Raw
	Count   *int64 `json:"Members@odata.count"`
	Next    string `json:"Members@odata.nextLink"`

	untold bool // the resource does not say what it links to: it may be nothing
}

// ReadMembers reads the members of the collection at path, at most limit of them. One that fails does not lose the others; that is no
// error. The error says that the collection itself was not read.
func ReadMembers[T any](ctx context.Context, c *Client, path string, limit int) (Members[T], error) {
	return ReadLinked[T](ctx, c, path, "Members", limit)
}

// ReadLinked reads the resources that the array property of the resource at path links to, such as the Drives of a Storage, at most
// limit of them, and the resource itself. It asks for all at once with $expand where this device was seen to do that rightly, and one
// by one where it was not.
func ReadLinked[T any](ctx context.Context, c *Client, path, property string, limit int) (Members[T], error) {
	l, err := c.linked(ctx, path, property, limit)
	if err != nil {
		return Members[T]{Doc: l.doc}, err
	}
	bytes := l.bytes
	m := Members[T]{Doc: l.doc, Complete: l.complete, Failed: l.failed, Items: make([]Item[T], 0, len(l.members))}
	for i, raw := range l.members {
		id := identity(raw)
		item := Item[T]{Path: id}
		switch {
		case l.inline || isWhole(raw):
			a := Answer{Doc: raw}
			err = read(&a, id, &item.Value)
			item.Odd = a.Odd
		case !localPath(id):
			err = unreadable(&Error{Method: http.MethodGet, Path: fmt.Sprintf("%s %s[%d]", path, property, i), Err: errors.New("it is no link")})
		case bytes > maxList:
			err = tooMuch(id)
		case strings.Contains(id, "#/"):
			var whole int
			item.Odd, whole, err = c.part(ctx, id, &item.Value)
			bytes += whole
		default:
			var a Answer
			a, err = c.Get(ctx, id, &item.Value)
			item.Odd = a.Odd
			bytes += len(a.Doc)
		}
		if err == nil {
			m.Items = append(m.Items, item)
			continue
		}
		m.Failed, m.Complete = append(m.Failed, Failure{id, err}), false
		if Over(err) {
			for _, rest := range l.members[i+1:] {
				m.Failed = append(m.Failed, Failure{identity(rest), err})
			}
			break
		}
	}
	return m, nil
}

// part reads what a link with a fragment names: a part of another document, which has so many bytes.
func (c *Client) part(ctx context.Context, link string, v any) (odd []Odd, bytes int, err error) {
	path, pointer, _ := strings.Cut(link, "#")
	a, err := c.Get(ctx, path, nil)
	if err != nil {
		return nil, 0, err
	}
	bytes = len(a.Doc)
	for _, step := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		if a.Doc = a.Doc.below(strings.NewReplacer("~1", "/", "~0", "~").Replace(step)); len(a.Doc) == 0 {
			break
		}
	}
	if len(a.Doc) == 0 || a.Doc[0] != '{' {
		return nil, bytes, visitError(&Error{Method: http.MethodGet, Path: link, Err: errors.New("the document has no such part")}, hw.Inconsistent, "", 0)
	}
	err = read(&a, link, v)
	return a.Odd, bytes, err
}

// below returns the property of an object, or the element of a list, that name names; nothing where there is none.
func (r Raw) below(name string) (found Raw) {
	s := scanner{b: r}
	switch s.next() {
	case '{':
		s.each(func(at string) {
			if v := s.skip(); at == name && found == nil {
				found = v
			}
		})
	case '[':
		s.elements(func(i int) {
			if v := s.skip(); strconv.Itoa(i) == name {
				found = v
			}
		})
	}
	return found
}

// list is what a document links to: links, or the resources themselves.
type list struct {
	doc      Raw
	members  []Raw
	complete bool
	inline   bool // all members are whole resources
	bytes    int  // of all pages
	twice    int  // links that stand twice in one document
	failed   []Failure
}

// over reports whether reading on is of no use in this visit.
func (l list) over() bool {
	return len(l.failed) > 0 && Over(l.failed[len(l.failed)-1].Err)
}

// links reads the property over all pages. Members that are no objects count as failures.
func (c *Client) links(ctx context.Context, path, property, query string, limit int) (list, error) {
	l := list{complete: true}
	seen := map[string]bool{}
	next := path + query
	for n := 0; n == 0 || next != ""; n++ {
		a, err := c.Get(ctx, next, nil)
		if err != nil && n == 0 {
			return l, err
		}
		if err != nil {
			l.fail(next, err)
			return l, nil
		}
		p, err := pageOf(a.Doc, property)
		if n > 0 && err == nil && p.untold { // the rest of a property may come as a collection
			if rest, other := pageOf(a.Doc, "Members"); other == nil {
				p = rest
			}
		}
		if err != nil {
			err = unreadable(&Error{Method: http.MethodGet, Path: next, Err: err})
			if n == 0 {
				return l, err
			}
			l.fail(next, err)
			return l, nil
		}
		if n == 0 {
			l.doc = a.Doc
		}
		if l.bytes += len(a.Doc); l.bytes > maxList {
			l.fail(next, tooMuch(next))
			return l, nil
		}
		fresh := l.add(p, seen, limit)
		if !l.complete {
			l.fail(next, visitError(&Error{Method: http.MethodGet, Path: next, Err: fmt.Errorf("more than %d members: the rest was not read", limit)}, hw.TooMuch, "", 0))
			return l, nil
		}
		if p.untold {
			e := &Error{Method: http.MethodGet, Path: next, Err: fmt.Errorf("it does not tell its %s", property)}
			l.fail(next, visitError(e, hw.NotSupported, "", 0))
		}
		at := next
		if next = p.Next; next != "" && (!localPath(next) || fresh == 0 || n+1 == maxPages) {
			l.fail(at, unreadable(&Error{Method: http.MethodGet, Path: at, Err: fmt.Errorf("the pages do not end: the next would be %q", clip(next))}))
			return l, nil
		}
		if next == "" && p.Count != nil && *p.Count != int64(len(l.members)) && *p.Count != int64(len(l.members)+l.twice) {
			e := &Error{Method: http.MethodGet, Path: path, Err: fmt.Errorf("it counts %d members and links to %d", *p.Count, len(l.members))}
			l.fail(path, visitError(e, hw.Inconsistent, "", 0))
		}
	}
	return l, nil
}

func tooMuch(path string) error {
	return visitError(&Error{Method: http.MethodGet, Path: path, Err: fmt.Errorf("with all its members it is larger than %d MB", maxList>>20)}, hw.TooMuch, "", 0)
}

func (l *list) fail(path string, err error) {
	l.failed, l.complete = append(l.failed, Failure{path, err}), false
}

// add takes the members of a page that are new, and returns how many there were.
func (l *list) add(p page, seen map[string]bool, limit int) int {
	fresh := 0
	here := map[string]bool{}
	for _, m := range p.Members {
		id := memberKey(identity(m))
		if id != "" && seen[id] {
			if here[id] {
				l.twice++
			}
			continue
		}
		here[id] = true
		fresh++
		if len(l.members) >= limit {
			l.complete = false
			break
		}
		seen[id] = true
		l.members = append(l.members, m)
	}
	return fresh
}

// memberKey tells members apart: those that stand in one document by where in it.
func memberKey(link string) string {
	if _, pointer, ok := strings.Cut(link, "#/"); ok {
		return bare(link) + "#/" + pointer
	}
	return bare(link)
}

// pageOf takes the links out of a document. A collection without Members is none.
func pageOf(doc Raw, property string) (page, error) {
	var p page
	if property == "Members" {
		if _, err := doc.decode(&p); err != nil {
			return p, err
		}
		if p.Members == nil && (p.Count == nil || *p.Count != 0) {
			return p, errors.New("it is no collection: it has no Members")
		}
		return p, nil
	}
	s := scanner{b: doc}
	if s.next() != '{' {
		return p, errors.New("it is no resource")
	}
	var list, count, next Raw
	s.each(func(name string) {
		switch v := s.skip(); name {
		case property:
			list = v
		case property + "@odata.count":
			count = v
		case property + "@odata.nextLink":
			next = v
		}
	})
	if len(next) > 0 && next[0] == '"' {
		p.Next = onDevice(unquote(next))
	}
	if n, ok := integer(string(count)); ok {
		p.Count = &n
	}
	if len(list) == 0 || list[0] != '[' {
		p.untold = true
		return p, nil
	}
	s = scanner{b: list}
	s.elements(func(int) {
		if m := s.skip(); string(m) != "null" {
			p.Members = append(p.Members, m)
		}
	})
	return p, nil
}

// isWhole reports whether raw is a resource and not only a link to one.
func isWhole(raw Raw) bool {
	var r Resource
	_, err := raw.decode(&r)
	return err == nil && r.Path != "" && r.Type != "" && r.ID != ""
}
