package redfish

import (
	"context"
	"slices"
	"strings"
	"sync"

	"rackpost/collectors"
	"rackpost/hw"
)

// state is how far $expand of one place is believed.
type state uint8

const (
	untried state = iota
	trusted
	refused
)

// maxExpansions is how many places are remembered.
const maxExpansions = 512

// expansion is what is known of $expand at one place.
type expansion struct {
	mu    sync.Mutex // held while the place is read
	state state
	last  map[string]bool // the members that were there last
}

// linked reads the list, expanded if the device does that rightly.
func (c *Client) linked(ctx context.Context, path, property string, limit int) (list, error) {
	x, query := c.expansionOf(ctx, path, property)
	if x == nil {
		return c.links(ctx, path, property, "", limit)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	switch x.state {
	case untried:
		return c.tryExpansion(ctx, x, path, property, query, limit)
	case trusted:
		return c.expand(ctx, x, path, property, query, limit)
	}
	return c.links(ctx, path, property, "", limit)
}

// expand asks for the members at once. An answer that lacks one that was there last is compared with the links; one that is not whole
// is the last that is asked for.
func (c *Client) expand(ctx context.Context, x *expansion, path, property, query string, limit int) (list, error) {
	l, err := c.links(ctx, path, property, query, limit)
	if err != nil && (Over(err) || unready(err)) || err == nil && l.over() {
		return l, err
	}
	l.inline = true
	ids, ok := wholeMembers(l.members)
	ok = ok && err == nil && l.complete
	if ok && subset(x.last, ids) {
		x.last = ids
		return l, nil
	}
	plain, err := c.links(ctx, path, property, "", limit)
	if err != nil || !plain.complete {
		return plain, err
	}
	if now := idsOf(plain.members); !ok || !subset(now, ids) {
		c.doubt(x, path)
		return plain, nil
	}
	x.last = ids
	return l, nil
}

// unready says that a resource is not ready: asking for it in another way at once would count as the device's refusal.
func unready(err error) bool { return collectors.ReasonOf(err) == hw.NotReady }

// tryExpansion reads the links, asks for the members at once, and compares the two member by member. The first member is
// also read alone: an expanded one must have all its properties.
func (c *Client) tryExpansion(ctx context.Context, x *expansion, path, property, query string, limit int) (list, error) {
	plain, err := c.links(ctx, path, property, "", limit)
	if err != nil || !plain.complete || len(plain.members) == 0 {
		return plain, err
	}
	if _, whole := wholeMembers(plain.members); whole {
		return plain, nil // logs give their entries unasked
	}
	l, err := c.links(ctx, path, property, query, limit)
	if err != nil && (Over(err) || unready(err)) || err == nil && l.over() {
		return plain, nil // says nothing about $expand; what is read next tells
	}
	ids, ok := wholeMembers(l.members)
	if want := idsOf(plain.members); err != nil || !ok || !l.complete || !subset(want, ids) || !subset(ids, want) {
		c.doubt(x, path)
		return plain, nil
	}
	alone, err := c.Get(ctx, identity(plain.members[0]), nil)
	if err != nil {
		return plain, nil
	}
	i := slices.IndexFunc(l.members, func(m Raw) bool { return samePath(identity(m), identity(plain.members[0])) })
	if !subset(properties(alone.Doc), properties(l.members[i])) {
		c.doubt(x, path)
		return plain, nil
	}
	x.state, x.last = trusted, ids
	l.inline, l.doc = true, plain.doc
	return l, nil
}

// properties returns the names of a resource's properties, without annotations.
func properties(doc Raw) map[string]bool {
	names := map[string]bool{}
	s := scanner{b: doc}
	if s.next() == '{' {
		s.each(func(name string) {
			s.skip()
			if !strings.Contains(name, "@") {
				names[name] = true
			}
		})
	}
	return names
}

// doubt gives up $expand at this place.
func (c *Client) doubt(x *expansion, path string) {
	x.state, x.last = refused, nil
	c.log.Info("$expand is not used here any more: its answer was not whole", "path", path)
}

func idsOf(members []Raw) map[string]bool {
	ids := make(map[string]bool, len(members))
	for _, m := range members {
		ids[memberKey(identity(m))] = true
	}
	return ids
}

// subset reports whether all of a is in b.
func subset(a, b map[string]bool) bool {
	for id := range a {
		if !b[id] {
			return false
		}
	}
	return true
}

// wholeMembers reports whether all members are whole resources, each another one.
func wholeMembers(members []Raw) (map[string]bool, bool) {
	ids := make(map[string]bool, len(members))
	for _, m := range members {
		id := memberKey(identity(m))
		if !isWhole(m) || ids[id] || hasError(m) {
			return nil, false
		}
		ids[id] = true
	}
	return ids, true
}

func hasError(m Raw) bool {
	var x struct {
		Error Raw `json:"error"`
	}
	_, err := m.decode(&x)
	return err != nil || len(x.Error) > 0
}

// expansionOf returns what is known of $expand at path and how to ask for it; nil where the service does not offer it.
func (c *Client) expansionOf(ctx context.Context, path, property string) (*expansion, string) {
	root, err := c.Root(ctx)
	if err != nil || path == "" {
		return nil, "" // the next request fails
	}
	query := root.ProtocolFeaturesSupported.ExpandQuery.query()
	if query == "" || c.take(ctx) != nil {
		return nil, ""
	}
	defer c.give()
	key := bare(path) + " " + property
	x := c.expanding[key]
	if x == nil && len(c.expanding) < maxExpansions {
		x = &expansion{}
		c.expanding[key] = x
	}
	return x, query
}

// query returns how to expand one level, empty where the service does not say that it can.
func (e ExpandQuery) query() string {
	is := func(b *bool) bool { return b != nil && *b }
	levels := ""
	if is(e.Levels) {
		levels = "($levels=1)"
	}
	switch {
	case is(e.ExpandAll):
		return "?$expand=*" + levels
	case is(e.NoLinks):
		return "?$expand=." + levels
	}
	return ""
}
