package bmc

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// document finds the resource of a path, as a copy that the caller may change. The lock is held.
func (b *BMC) document(path string) (object, bool) {
	path = strings.TrimSuffix(path, "/")
	if o, ok, known := b.sessionDocument(path); known {
		return o, ok
	}
	var o object
	if f, ok := b.tree[path]; ok {
		o = f(b.moment())
	} else if b.recorded != nil {
		o, ok = b.recorded.document(path)
		if !ok {
			return nil, false
		}
	} else {
		return nil, false
	}
	for k, v := range b.overlay[path] {
		o[k] = v
	}
	return o, true
}

// logOf returns the journal whose entries stand at path, or below it with an id.
func (b *BMC) logOf(path string) (j *journal, base, id string) {
	lc, sel := b.model.logPaths()
	if b.recorded != nil {
		if _, flood := b.state.on[logFlood]; !flood {
			return nil, "", ""
		}
		lc, sel = b.recorded.log, ""
	}
	for _, l := range []struct {
		path    string
		journal *journal
	}{{lc, &b.state.lc}, {sel, &b.state.sel}} {
		if l.path == "" {
			continue
		}
		if path == l.path {
			return l.journal, l.path, ""
		}
		if id, ok := strings.CutPrefix(path, l.path+"/"); ok {
			return l.journal, l.path, id
		}
	}
	return nil, "", ""
}

// get answers a GET.
func (b *BMC) get(q *http.Request) *reply {
	path := strings.TrimSuffix(q.URL.Path, "/")
	options, err := url.ParseQuery(q.URL.RawQuery)
	if err != nil {
		return b.badQuery(q.URL.RawQuery)
	}
	if b.recorded != nil {
		if raw, ok := b.recorded.literal(path, q.URL.RawQuery); ok {
			return &reply{code: http.StatusOK, raw: raw}
		}
	}
	if j, base, id := b.logOf(path); j != nil {
		return b.logPage(j, base, id, options)
	}
	o, ok := b.document(path)
	if !ok {
		return b.missing(path)
	}
	if _, only := options["only"]; only {
		if members, _ := o["Members"].([]any); len(members) == 1 {
			if at, ok := reference(members[0]); ok {
				if one, ok := b.document(at); ok {
					o = one
				}
			}
		}
	}
	if b.state.reset.phase(b.opt.Clock()) == resetEmpty {
		if _, ok := o["Members"]; ok {
			o["Members"], o["Members@odata.count"] = []any{}, 0
		}
	}
	if r := b.page(o, path, options); r != nil {
		return r
	}
	if options.Has("$expand") {
		if r := b.expand(o, options.Get("$expand")); r != nil {
			return r
		}
	}
	choose(o, options.Get("$select"))
	return &reply{code: http.StatusOK, doc: o}
}

func (b *BMC) badQuery(text string) *reply {
	return b.refusal(http.StatusBadRequest, "SYS426", "Unable to complete the operation because the query "+text+" is invalid.", "Correct the query parameter and retry the operation.")
}

// page cuts a collection to $skip and $top.
func (b *BMC) page(o object, path string, options url.Values) *reply {
	members, ok := o["Members"].([]any)
	if !ok {
		return nil
	}
	skip, top, ok := window(options, len(members))
	if !ok {
		return b.badQuery(options.Encode())
	}
	from := min(skip, len(members))
	to := min(from+top, len(members))
	if to < len(members) && options.Has("$top") && to > from {
		o["Members@odata.nextLink"] = fmt.Sprintf("%s?$skip=%d", path, to)
	}
	o["Members"] = members[from:to]
	return nil
}

// window reads $skip and $top.
func window(options url.Values, most int) (skip, top int, ok bool) {
	top = most
	for name, to := range map[string]*int{"$skip": &skip, "$top": &top} {
		if !options.Has(name) {
			continue
		}
		n, err := strconv.Atoi(options.Get(name))
		if err != nil || n < 0 {
			return 0, 0, false
		}
		*to = n
	}
	return skip, min(top, most), true
}

// logPage answers for a log, or one entry of it. Members@odata.count is of all entries that the filter lets through.
func (b *BMC) logPage(j *journal, base, id string, options url.Values) *reply {
	sel := j == &b.state.sel
	prefix := b.model.registry
	if id != "" {
		n, err := strconv.Atoi(id)
		if err != nil || n < j.first() || n > j.last {
			return b.missing(base + "/" + id)
		}
		e := j.get(n)
		return &reply{code: http.StatusOK, doc: e.document(base, prefix, sel)}
	}
	skip, top, ok := window(options, b.model.page)
	match, fine := parseFilter(options.Get("$filter"))
	if !ok || !fine {
		return b.badQuery(options.Encode())
	}
	members, total := []any{}, 0
	if match == nil {
		total = j.count()
		for n := j.last - skip; n >= j.first() && len(members) < top; n-- {
			e := j.get(n)
			members = append(members, e.document(base, prefix, sel))
		}
	} else {
		for n := j.last; n >= j.first(); n-- {
			e := j.get(n)
			if !match(&e, prefix) {
				continue
			}
			if total++; total > skip && len(members) < top {
				members = append(members, e.document(base, prefix, sel))
			}
		}
	}
	if b.state.reset.phase(b.opt.Clock()) == resetEmpty {
		members, total = []any{}, 0
	}
	o := object{
		"@odata.id": base, "@odata.type": "#LogEntryCollection.LogEntryCollection", "@odata.context": root + "/$metadata#LogEntryCollection.LogEntryCollection",
		"Name": "Log Entry Collection", "Description": "Logs of this manager", "Members": members, "Members@odata.count": total,
	}
	if next := skip + len(members); len(members) > 0 && next < total {
		more := url.Values{}
		if options.Has("$filter") {
			more.Set("$filter", options.Get("$filter"))
		}
		query := more.Encode()
		if query != "" {
			query = "&" + query
		}
		o["Members@odata.nextLink"] = fmt.Sprintf("%s?$skip=%d%s", base, next, query)
	}
	return &reply{code: http.StatusOK, doc: o}
}

// parseFilter reads comparisons joined by "and": Created ge '2026-01-01T00:00:00+00:00' and Severity eq 'Critical'. A filter
// that is empty is nil.
func parseFilter(text string) (match func(*entry, string) bool, ok bool) {
	if text == "" {
		return nil, true
	}
	var all []func(*entry, string) bool
	for _, part := range strings.Split(text, " and ") {
		words := strings.SplitN(strings.TrimSpace(part), " ", 3)
		if len(words) != 3 || len(all) > 4 {
			return nil, false
		}
		want := strings.Trim(words[2], "'")
		value := map[string]func(*entry, string) string{
			"Created":   func(e *entry, _ string) string { return stamp(e.at) },
			"Severity":  func(e *entry, _ string) string { return e.severity },
			"MessageId": func(e *entry, prefix string) string { return prefix + "." + e.code },
			"Message":   func(e *entry, _ string) string { return e.message },
			"Id":        func(e *entry, _ string) string { return fmt.Sprintf("%09d", e.id) },
		}[words[0]]
		if words[0] == "Id" {
			want = fmt.Sprintf("%09s", want)
		}
		compare := map[string]func(int) bool{
			"eq": func(c int) bool { return c == 0 }, "ne": func(c int) bool { return c != 0 }, "gt": func(c int) bool { return c > 0 },
			"ge": func(c int) bool { return c >= 0 }, "lt": func(c int) bool { return c < 0 }, "le": func(c int) bool { return c <= 0 },
		}[words[1]]
		if value == nil || compare == nil {
			return nil, false
		}
		all = append(all, func(e *entry, prefix string) bool { return compare(strings.Compare(value(e, prefix), want)) })
	}
	return func(e *entry, prefix string) bool {
		return !slices.ContainsFunc(all, func(f func(*entry, string) bool) bool { return !f(e, prefix) })
	}, true
}

// reference returns the path of a value that is a link and nothing else.
func reference(v any) (string, bool) {
	o, ok := v.(object)
	if !ok || len(o) != 1 {
		return "", false
	}
	path, ok := o["@odata.id"].(string)
	return path, ok
}

// expand puts documents in the place of links, one level deep: of Members, Drives and the like with "." and those below
// Links too with "*".
func (b *BMC) expand(o object, what string) *reply {
	mode, levels, _ := strings.Cut(what, "(")
	all := b.model.expandAll
	if b.model.noExpand || mode != "." && mode != "*" && mode != "~" || mode != "." && !all || levels != "" && levels != "$levels=1)" {
		return b.badQuery("$expand=" + what)
	}
	if wrong, r := b.expandWrong(o); wrong {
		return r
	}
	for key, v := range o {
		switch {
		case strings.HasPrefix(key, "@") || key == "Oem" || key == "Actions" || mode == "~" && key != "Links" || mode == "." && key == "Links":
		case key == "Links":
			for inner, l := range v.(object) {
				v.(object)[inner] = b.inline(l)
			}
		default:
			o[key] = b.inline(v)
		}
	}
	return nil
}

// inline is the document of a link, the documents of a list of links, or the value itself.
func (b *BMC) inline(v any) any {
	if l, ok := v.([]any); ok {
		out := make([]any, len(l))
		for i := range l {
			out[i] = b.inline(l[i])
			if _, nested := l[i].([]any); nested {
				out[i] = l[i]
			}
		}
		return out
	}
	if path, ok := reference(v); ok {
		if o, ok := b.document(path); ok {
			return o
		}
	}
	return v
}

// The ways in which $expand may be wrong.
const (
	expandShort  = "short"  // the last member is missing, the count says so too
	expandMiss   = "lost"   // the last member is missing, the count is right
	expandEmpty  = "empty"  // no members, the count is right
	expandLinks  = "links"  // nothing is expanded
	expandError  = "error"  // an error object before the document
	expandRefuse = "refuse" // 400
)

// expandWrong does what fault expand-wrong says; the answer is nil where the document is still to be sent.
func (b *BMC) expandWrong(o object) (wrong bool, r *reply) {
	way := b.state.talk.expand
	if way == expandRefuse {
		return true, b.badQuery("$expand")
	}
	if way == expandLinks {
		return true, nil
	}
	members, ok := o["Members"].([]any)
	if !ok || len(members) == 0 {
		return false, nil
	}
	switch way {
	case expandEmpty:
		o["Members"] = []any{}
	case expandMiss:
		o["Members"] = members[:len(members)-1]
	case expandShort:
		o["Members"], o["Members@odata.count"] = members[:len(members)-1], len(members)-1
	}
	return false, nil
}

// choose keeps the properties that $select names, and those of OData.
func choose(o object, names string) {
	if names == "" {
		return
	}
	wanted := strings.Split(names, ",")
	for key := range o {
		head, _, _ := strings.Cut(key, "@")
		if !strings.HasPrefix(key, "@odata") && !slices.ContainsFunc(wanted, func(w string) bool {
			first, _, _ := strings.Cut(strings.TrimSpace(w), "/")
			return first == head
		}) {
			delete(o, key)
		}
	}
}
