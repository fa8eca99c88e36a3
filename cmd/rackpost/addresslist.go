package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rackpost/collectors"
	"rackpost/collectors/discovery"
	"rackpost/hw"
)

// asked is an address to ask, and what the list says of it.
type asked struct {
	discovery.Place
	name, rack, customer string
	listed               bool // in a file: a person expects something there
}

// askedAt is what is asked at host and port. A host name shares its turn with all others.
func askedAt(host, port string) asked {
	a := asked{Place: discovery.Place{Address: joinAddress(host, port), Subnet: "names"}}
	if ip, err := netip.ParseAddr(host); err == nil {
		a.Subnet = discovery.SubnetOf(ip).String()
	}
	return a
}

// network returns the addresses that an argument means.
func network(arg, port string) ([]asked, error) {
	addresses, err := discovery.Expand(arg)
	if err != nil {
		return nil, &usageError{err.Error()}
	}
	list := make([]asked, 0, len(addresses))
	for _, a := range addresses {
		list = append(list, askedAt(a.String(), port))
	}
	return list, nil
}

// listColumns are the columns of a list of addresses.
var listColumns = []string{"address", "port", "name", "rack", "customer", "kind", "credentials"}

// listNames are the names that a list may use.
type listNames struct {
	site                          bool // without one, any rack and customer
	racks, customers, credentials []string
	kinds                         []collectors.Kind
}

// addressList reads a list of addresses: CSV with a header.
type addressList struct {
	siteChecker
	file    string
	names   listNames
	port    string
	columns []string
	seen    map[string]place
	list    []asked
}

// parseAddressList reads a list. The error holds every problem.
func parseAddressList(file string, data []byte, port string, names listNames) ([]asked, error) {
	l := &addressList{siteChecker: siteChecker{checker: &checker{}}, file: file, names: names, port: port, seen: map[string]place{}}
	start := place{file, 1, 1}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case len(data) > maxConfigBytes:
		l.problems.add(start, "the list has more than %d bytes", maxConfigBytes)
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		l.problems.add(start, "the list is not UTF-8; save it as CSV (UTF-8)")
	default:
		l.read(data)
	}
	if err := l.problems.err(); err != nil {
		return nil, err
	}
	return l.list, nil
}

// separator is what the header separates its columns with.
func separator(data []byte) rune {
	header, _, _ := bytes.Cut(data, []byte("\n"))
	for _, c := range []byte{';', '\t'} {
		if bytes.IndexByte(header, c) >= 0 {
			return rune(c)
		}
	}
	return ','
}

func (l *addressList) read(data []byte) {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace = separator(data), '#', -1, true
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			l.problems.add(place{l.file, wrong.Line, max(wrong.Column, 1)}, "this is not CSV: %v", wrong.Err)
			return
		}
		row := make([]text, len(fields))
		for i, f := range fields {
			line, column := r.FieldPos(i)
			row[i] = text{s: strings.TrimSpace(f), at: place{l.file, line, column}}
		}
		if len(l.list) == discovery.MaxAddresses {
			l.problems.add(row[0].at, "the list has more than %d addresses; ask for them in several runs", discovery.MaxAddresses)
			return
		}
		if l.columns == nil {
			if l.header(row); len(l.problems) > 0 {
				return
			}
			continue
		}
		l.row(row)
	}
	if l.columns == nil {
		l.problems.add(place{l.file, 1, 1}, "the list is empty; its first line names the columns: %s", strings.Join(listColumns, ","))
	}
}

func (l *addressList) header(row []text) {
	l.columns = []string{}
	for _, t := range row {
		name := strings.ToLower(t.s)
		switch {
		case slices.Contains(l.columns, name) && name != "":
			l.problems.add(t.at, "the column %q stands here twice", name)
		case slices.Contains(listColumns, name) || name == "":
		default:
			hint := "the columns are " + strings.Join(listColumns, ", ")
			if s := hw.Nearest(name, listColumns); s != "" {
				hint = "did you mean \"" + s + "\"?"
			}
			l.problems.add(t.at, "unknown column %q; %s", shorten(t.s), hint)
		}
		l.columns = append(l.columns, name)
	}
	if len(l.problems) == 0 && !slices.Contains(l.columns, "address") {
		l.problems.add(row[0].at, "there is no column address; the first line names the columns: %s", strings.Join(listColumns, ","))
	}
}

func (l *addressList) row(row []text) {
	if !slices.ContainsFunc(row, func(t text) bool { return t.s != "" }) {
		return // a spreadsheet's empty line
	}
	cells := map[string]text{}
	for i, t := range row {
		switch {
		case i < len(l.columns) && l.columns[i] != "":
			cells[l.columns[i]] = t
		case t.s != "":
			l.problems.add(t.at, "%q stands in a column without a name", shorten(t.s))
		}
	}
	a, ok := l.address(row[0].at, cells["address"], cells["port"])
	if !ok {
		return
	}
	a.name, a.listed = l.label(cells["name"]), true
	if k := cells["kind"]; k.s != "" {
		if _, err := findKind(l.names.kinds, k.s); err != nil {
			l.problems.add(k.at, "%v", err)
		}
		a.Kind = k.s
	}
	a.Login = l.known(cells["credentials"], "credentials", l.names.credentials)
	a.rack, a.customer = cells["rack"].s, cells["customer"].s
	if l.names.site {
		l.known(cells["rack"], "rack", l.names.racks)
		l.known(cells["customer"], "customer", l.names.customers)
	}
	l.list = append(l.list, a)
}

// address reads where a row's device is.
func (l *addressList) address(row place, address, port text) (asked, bool) {
	if address.s == "" {
		l.problems.add(row, "this line has no address")
		return asked{}, false
	}
	host, own, err := splitAddress(address.s)
	if err != nil {
		l.problems.add(address.at, "%v", err)
		return asked{}, false
	}
	switch {
	case own != "" && port.s != "" && own != port.s:
		l.problems.add(port.at, "port %s: the address says %s", shorten(port.s), own)
		return asked{}, false
	case port.s != "":
		if n, err := strconv.ParseUint(port.s, 10, 16); err != nil || n == 0 {
			l.problems.add(port.at, "%q is no port; write 1 to 65535", shorten(port.s))
			return asked{}, false
		}
		own = port.s
	case own == "":
		own = l.port
	}
	a := askedAt(host, own)
	key := addressKey(a.Address)
	if first, twice := l.seen[key]; twice {
		l.problems.add(address.at, "address %q stands in line %d already", shorten(address.s), first.line)
		return asked{}, false
	}
	l.seen[key] = address.at
	return a, true
}

// unique leaves of every address the first one.
func unique(list []asked) []asked {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(a asked) bool {
		key := addressKey(a.Address)
		twice := seen[key]
		seen[key] = true
		return twice
	})
}

// keyOf is addressKey of an address that a name stands for.
func keyOf(ip netip.Addr, port string) string {
	return addressKey(net.JoinHostPort(ip.Unmap().String(), port))
}
