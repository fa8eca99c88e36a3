package scrub

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// Document is a resource of a Redfish service: a JSON object and the path it stands at.
type Document struct {
	Path string
	Body []byte
}

// documents is what is known while documents are scrubbed.
type documents struct {
	*Scrubber
	classes map[string]class
	ends    []string
	said    map[string]bool // words the maker says where only its words stand
	plain   *regexp.Regexp
	nothing *regexp.Regexp
}

// plainTexts are dates, short numbers, codes of PCI and truth values; nothingTexts say that there is nothing.
const (
	plainTexts = `^(?:-?[0-9]{1,4}(?:\.[0-9]{1,6})?(?: [A-Za-z%/]{1,6}|%)?|0x[0-9A-Fa-f]{1,6}|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?|` +
		`[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}[:.][0-9A-Fa-f]{1,2}|[+-][0-9]{2}:[0-9]{2}|(?i:true|false|yes|no))$`
	nothingTexts = `^(?i:[0. -]*|none|null|n/?a|unknown|not ?(?:applicable|available|specified|supported))$`
)

// Documents returns the documents with everything that identifies replaced in their paths and bodies, in the order given. It
// learns from all of them, and from the objects given beside, before it replaces in any; Scrub of those objects gives the same
// pseudonyms then. A property of which nothing is known is replaced word by word, unless it says what the maker says elsewhere.
func (s *Scrubber) Documents(docs []Document, beside []Object) ([]Document, error) {
	d := &documents{Scrubber: s, said: map[string]bool{}, plain: regexp.MustCompile(plainTexts), nothing: regexp.MustCompile(nothingTexts)}
	d.classes, d.ends = propertyClasses()
	for i := range beside {
		s.learn(&beside[i])
	}
	trees := make([]*node, len(docs))
	for i := range docs {
		n, err := parse(docs[i].Body)
		if err == nil && n.kind != '{' {
			err = errors.New("it is no object")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", docs[i].Path, err)
		}
		trees[i] = n
		d.learnNode("", n)
	}
	for _, word := range []string{"redfish", "v1", "idrac", "ilo", "bmc"} {
		s.models[word] = true
	}
	s.settle()
	out := make([]Document, len(docs))
	for i, n := range trees {
		d.replace("", n)
		out[i] = Document{Path: d.text(docs[i].Path, versioned), Body: append(n.append(nil, ""), '\n')}
	}
	return out, nil
}

// Path returns the path of a resource with all that was learned to identify replaced in it.
func (s *Scrubber) Path(path string) string { return s.text(path, versioned) }

// settled returns the class of a text of which the property alone does not tell it.
func settled(what class, v string) class {
	switch {
	case what == sku && len(v) <= 7 && strings.Trim(v, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "":
		return serial
	case what == sku:
		return vendor
	}
	return what
}

// learnNode takes in what identifies in a value.
func (d *documents) learnNode(property string, n *node) {
	switch n.kind {
	case '{':
		for i, key := range n.keys {
			d.models[lower(key)] = true // a host that bears the name of a property takes it from none
			d.learnNode(key, n.items[i])
		}
	case '[':
		for _, item := range n.items {
			d.learnNode(property, item)
		}
	default:
		d.learnText(d.classOf(property), n)
	}
}

func (d *documents) learnText(what class, n *node) {
	v := strings.TrimSpace(n.text)
	what = settled(what, v)
	if n.kind == '0' && (what != serial || !isDigits(v)) || d.isPlain(what, v) {
		return
	}
	switch what {
	case serial:
		d.learnSerial(v, false)
	case mac:
		if d.isMAC(v) {
			a := parseMAC(v)
			d.learnMAC(a[:])
			return
		}
		d.learnSerial(v, false)
	case name:
		d.learnName(v)
	case domain:
		if d.worth(v) {
			d.learnDomain(v)
		}
	case address:
		if a, err := netip.ParseAddr(v); err == nil && a.Is4() {
			d.seen[a.As4()] = true
		}
	case model:
		for _, word := range append(strings.Fields(v), v) {
			d.models[lower(word)] = true // a host that bears the name of a model takes it from none
		}
	case vendor:
		d.said[v] = true
	}
}

// isPlain reports whether a text identifies nobody whatever the property. A serial number may look like a number or a date.
func (d *documents) isPlain(what class, v string) bool {
	return d.nothing.MatchString(v) || what != serial && d.plain.MatchString(v)
}

// isMAC reports whether a text is a MAC address and nothing else, with or without marks between its digits.
func (d *documents) isMAC(v string) bool {
	bare := strings.NewReplacer(":", "", "-", "", ".", "").Replace(v)
	if len(bare) != 12 {
		return false
	}
	_, err := strconv.ParseUint(bare, 16, 64)
	return err == nil
}

func isDigits(v string) bool { return v != "" && strings.Trim(v, "0123456789") == "" }

// replace replaces what identifies in a value.
func (d *documents) replace(property string, n *node) {
	switch n.kind {
	case '{':
		d.replaceMessage(n)
		for i, key := range n.keys {
			n.keys[i] = d.text(key, versioned)
			switch {
			case key == "Name" && n.isNamed():
				d.replace("DisplayName", n.items[i])
			case d.classOf(key) != message:
				d.replace(key, n.items[i])
			}
		}
	case '[':
		for _, item := range n.items {
			d.replace(property, item)
		}
	case '"':
		before := n.text
		n.text = d.property(d.classOf(property), n.text)
		if n.text != before {
			d.counts.Texts++
		}
	case '0':
		if d.classOf(property) == serial && isDigits(n.text) && len(n.text) > 4 {
			n.text = "1" + d.shape(n.text)[1:] // no number begins with a 0
			d.counts.Texts++
		}
	}
}

// isNamed reports whether an object is one that people name.
func (n *node) isNamed() bool {
	t := n.get("@odata.type")
	return t != nil && (strings.HasPrefix(t.text, "#Volume.") || strings.Contains(t.text, "LogicalDrive.") || strings.HasPrefix(t.text, "#DellV"))
}

// replaceMessage replaces what a log says: what it was made with, where that is told, else every word.
func (d *documents) replaceMessage(n *node) {
	args := n.get("MessageArgs")
	for i, key := range n.keys {
		text := n.items[i]
		if d.classOf(key) != message || text.kind != '"' {
			continue
		}
		if args == nil || args.kind != '[' {
			text.text = d.text(text.text, denied)
			continue
		}
		for _, arg := range args.items {
			if v := strings.TrimSpace(arg.text); arg.kind == '"' && v != "" {
				text.text = strings.ReplaceAll(text.text, v, d.property(argument, v))
			}
		}
		text.text = d.text(text.text, trusted)
	}
}

// property replaces what identifies in the text of a property.
func (d *documents) property(what class, v string) string {
	t := strings.TrimSpace(v)
	what = settled(what, t)
	switch {
	case d.isPlain(what, t):
		return v
	case strings.HasPrefix(v, "/redfish/"), strings.HasPrefix(v, "#"), what == vendor, what == model:
		return d.text(v, versioned)
	}
	switch what {
	case name:
		return d.nameText(v)
	case domain:
		return d.domainOf(t)
	case serial:
		return d.textAs(v, serial, "")
	case mac:
		if !d.isMAC(t) {
			return d.textAs(v, serial, "")
		}
		return strings.Replace(v, t, d.macText(t), 1)
	case address:
		return d.text(v, trusted)
	case unknown, argument:
		if d.said[t] {
			return d.text(v, versioned)
		}
	}
	return d.text(v, denied)
}
