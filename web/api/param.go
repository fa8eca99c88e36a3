package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rackpost/hw"
)

// kind is what a parameter is.
type kind int

const (
	text     kind = iota
	word          // one of param.words
	words         // some of them, with commas between
	whole         // a number from param.least to param.most
	moment        // a time of RFC 3339
	duration      // a number with a unit, at most param.longest
)

// param is one parameter of a route, in its path or in the query string.
type param struct {
	name        string
	kind        kind
	does        string
	words       []string
	least, most int
	longest     time.Duration
	usual       string // the value where none is given, in the same writing
	needed      bool
	inPath      bool
	example     string
}

// The bounds of what is asked.
const (
	maxParameters = 16
	maxText       = 4 << 10 // bytes of a value
	DefaultLimit  = 10_000  // facts, readings or records in an answer
	MaxLimit      = 100_000
	usualSpan     = time.Hour
)

// The parameters that several routes have.
func siteParam() param {
	return param{name: "site", does: "name or id of a site; a box has one, headquarters many: GET /api/v1/sites lists them", example: "FRA-3"}
}

func deviceInPath() param {
	return param{name: "id", inPath: true, needed: true, does: "id of a device: GET /api/v1/devices lists them", example: "db-1"}
}

func deviceParam(does string) param {
	return param{name: "device", does: does, example: "db-1"}
}

func limitParam(does string, usual int) param {
	return param{name: "limit", kind: whole, least: 1, most: MaxLimit, usual: strconv.Itoa(usual), does: does, example: "1000"}
}

// spanParams are the parameters of a stretch of time: args.span reads them.
func spanParams() []param {
	return []param{
		{name: "since", kind: duration, longest: 100 * 366 * 24 * time.Hour, does: "how far back from to; 1h where from is not given either", example: "30m"},
		{name: "from", kind: moment, does: "the beginning, instead of since", example: "2026-11-21T10:00:00Z"},
		{name: "to", kind: moment, does: "the end; now where it is not given", example: "2026-11-21T12:00:00Z"},
	}
}

// args are the checked parameters of a request.
type args map[string]any

func (a args) text(name string) string { s, _ := a[name].(string); return s }

func (a args) whole(name string) int { n, _ := a[name].(int); return n }

func (a args) words(name string) []string { w, _ := a[name].([]string); return w }

func (a args) duration(name string) time.Duration { d, _ := a[name].(time.Duration); return d }

func (a args) moment(name string) (time.Time, bool) { t, ok := a[name].(time.Time); return t, ok }

// readArgs checks the parameters of a request to r by its table.
func (to *route) readArgs(r *http.Request) (args, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("the parameters cannot be read: "+err.Error(), "write them as name=value, with & between and % before what is no letter")
	}
	if len(query) > maxParameters {
		return nil, badRequest(fmt.Sprintf("more than %d parameters", maxParameters), "GET "+documentPath+" tells which there are")
	}
	a := args{}
	for name, values := range query {
		i := slices.IndexFunc(to.params, func(p param) bool { return p.name == name && !p.inPath })
		if i < 0 {
			return nil, badRequest(fmt.Sprintf("parameter %q is unknown", name), nearestOf(name, to.names()))
		}
		if len(values) > 1 {
			return nil, badRequest(fmt.Sprintf("parameter %q is there twice", name), "write it once")
		}
	}
	for _, p := range to.params {
		value := query.Get(p.name)
		if p.inPath {
			value = r.PathValue(p.name)
		}
		if value == "" {
			value = p.usual
		}
		if value == "" && p.needed {
			return nil, badRequest(fmt.Sprintf("parameter %q is missing", p.name), "it is the "+p.does)
		}
		if value == "" {
			continue
		}
		if a[p.name], err = p.read(value); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// names are the parameters of the query string.
func (to *route) names() []string {
	var names []string
	for _, p := range to.params {
		if !p.inPath {
			names = append(names, p.name)
		}
	}
	return names
}

// nearestOf advises the name that was most likely meant, else all there are.
func nearestOf(word string, names []string) string {
	if near := hw.Nearest(word, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(names) == 0 {
		return "there are none"
	}
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("some there are: %s", strings.Join(names[:most], ", "))
	}
	return "there are: " + strings.Join(names, ", ")
}

// read reads a value.
func (p *param) read(s string) (any, error) {
	if len(s) > maxText || !utf8.ValidString(s) {
		return nil, badRequest(fmt.Sprintf("%s: the value has more than %d bytes, or is no UTF-8", p.name, maxText), "")
	}
	switch p.kind {
	case word:
		if !slices.Contains(p.words, s) {
			return nil, badRequest(fmt.Sprintf("%s: there is no %q", p.name, s), nearestOf(s, p.words))
		}
	case words:
		return p.readWords(s)
	case whole:
		n, err := strconv.Atoi(s)
		if err != nil || n < p.least || n > p.most {
			return nil, badRequest(fmt.Sprintf("%s: %q is out of bounds", p.name, s), fmt.Sprintf("write a whole number from %d to %d", p.least, p.most))
		}
		return n, nil
	case moment:
		t, err := time.Parse(time.RFC3339, s)
		if y := t.UTC().Year(); err != nil || y < 1 || y > 9999 { // JSON has no others
			return nil, badRequest(fmt.Sprintf("%s: %q is no time", p.name, s), "write a time such as 2026-11-21T10:00:00Z or 2026-11-21T11:00:00%2B01:00: in an address %2B is the plus")
		}
		return t, nil
	case duration:
		d, err := readDuration(s)
		if err != nil || d < 0 || d > p.longest {
			return nil, badRequest(fmt.Sprintf("%s: %q is no duration, or out of bounds", p.name, s), fmt.Sprintf("write a number and a unit, such as 90s, 30m, 1h or 7d, up to %s", p.longest))
		}
		return d, nil
	}
	return s, nil
}

func (p *param) readWords(s string) (any, error) {
	all := strings.Split(s, ",")
	for _, w := range all {
		if !slices.Contains(p.words, w) {
			return nil, badRequest(fmt.Sprintf("%s: there is no %q", p.name, w), nearestOf(w, p.words))
		}
	}
	return all, nil
}

// readDuration is time.ParseDuration with days: 7d.
func readDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// span is the stretch of time that is asked for.
func (a args) span(now time.Time) (from, to time.Time, err error) {
	from, begins := a.moment("from")
	back := a.duration("since")
	to, ends := a.moment("to")
	if !ends {
		to = now
	}
	switch {
	case begins && back > 0:
		return from, to, badRequest("since and from stand together", "write one of them")
	case !begins && a["since"] == nil:
		from = to.Add(-usualSpan)
	case !begins:
		from = to.Add(-back)
	}
	if !from.Before(to) {
		err = badRequest("from is not before to", "both are times such as 2026-11-21T10:00:00Z; since is a duration above 0")
	}
	return from, to, err
}
