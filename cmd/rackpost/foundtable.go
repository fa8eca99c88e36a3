package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"rackpost/collectors/discovery"
	"rackpost/hw"
)

// The words for what stands at an address.
const (
	foundNew         = "new"         // a device that site.yaml does not have
	foundKnown       = "known"       // its address stands in site.yaml; it was not asked
	foundSame        = "same"        // another address of a device, by its serial number
	foundPair        = "pair"        // the other unit of a failover pair
	foundForeign     = "foreign"     // it answers, and is of no kind we know
	foundDenied      = "denied"      // something answers, but not to these credentials, or not sense
	foundClosed      = "closed"      // a machine is there, the port is closed
	foundUnreachable = "unreachable" // there is no way to it
	foundSilent      = "silent"
	foundUnasked     = "not-asked" // the run ended before, or no credentials are for it
)

// finding is what stands at one address.
type finding struct {
	Address     string    `json:"address"`
	Found       string    `json:"found"`
	Reason      hw.Reason `json:"reason,omitempty"` // of denied, closed, unreachable, silent, not-asked
	Kind        string    `json:"kind,omitempty"`
	Name        string    `json:"name,omitempty"`
	Model       string    `json:"model,omitempty"`
	Serial      string    `json:"serial,omitempty"`
	Description string    `json:"description,omitempty"`
	Credentials string    `json:"credentials,omitempty"`
	Beside      string    `json:"snmp_credentials,omitempty"` // of a server whose SNMP agent answers to others
	Device      string    `json:"device,omitempty"`           // the id in site.yaml: of new, known, same and pair

	asked   asked
	pair    bool   // one unit of a failover pair
	standby bool   // of one, and not the active one
	detail  string // about the reason
}

// findingOf translates a result.
func findingOf(a asked, r discovery.Result) finding {
	f := finding{
		Address: a.Address, Reason: r.Reason, Kind: r.Answer.Kind, Name: printable(r.Answer.Name), Model: printable(r.Answer.Model),
		Serial: printable(r.Answer.Serial), Description: printable(r.Answer.Descr), Credentials: r.Login, Beside: r.Beside,
		asked: a, pair: r.Answer.Pair, standby: r.Answer.Standby, detail: r.Detail,
	}
	switch {
	case r.Reason == "" && f.Kind == "":
		f.Found = foundForeign
	case r.Reason == "":
		f.Found = foundNew
	case discovery.Heard(r.Reason):
		f.Found = foundDenied
	case r.Reason == hw.Refused:
		f.Found = foundClosed
	case r.Reason == hw.Unreachable:
		f.Found = foundUnreachable
	case r.Reason == hw.NoAnswer:
		f.Found = foundSilent
	default:
		f.Found = foundUnasked
	}
	if r.Reason != "" && f.Found != foundDenied {
		f.Credentials = "" // what was tried last means nothing
	}
	return f
}

// discoverResult is what discover prints.
type discoverResult struct {
	Found  []finding      `json:"found"`
	Counts map[string]int `json:"counts"` // by what was found
	Added  int            `json:"added"`  // devices written to site.yaml
	Lines  string         `json:"lines"`  // that were added, or would be
}

func resultOf(found []finding) discoverResult {
	r := discoverResult{Found: []finding{}, Counts: map[string]int{}}
	for _, f := range found {
		r.Found = append(r.Found, f)
		r.Counts[f.Found]++
	}
	return r
}

// shown reports whether a person wants to see the line of f.
func (f finding) shown() bool {
	switch f.Found {
	case foundClosed, foundUnreachable, foundSilent, foundUnasked:
		return f.asked.listed
	}
	return true
}

// says is what the table tells of the address besides its columns.
func (f finding) says() string {
	switch f.Found {
	case foundSame:
		return "same as " + f.Device
	case foundPair:
		return "pair of " + f.Device
	case foundDenied:
		return "denied: " + string(f.Reason)
	case foundKnown:
		return "known: " + f.Device
	}
	return f.Found
}

func (r discoverResult) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := false
	for _, f := range r.Found {
		if !f.shown() {
			continue
		}
		if !head {
			fmt.Fprint(tw, "ADDRESS\tFOUND\tKIND\tNAME\tMODEL\tCREDENTIALS\n")
			head = true
		}
		model := f.Model
		if f.Found == foundForeign {
			model = firstWords(f.Description)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", plain(f.Address), f.says(), dash(f.Kind), dash(f.Name), dash(model), dash(f.Credentials))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if head {
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintln(w, r.summary())
	return err
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return plain(s)
}

// summary is one line, and what to do when nothing answered.
func (r discoverResult) summary() string {
	var parts []string
	for _, word := range []string{foundNew, foundKnown, foundSame, foundPair, foundForeign, foundDenied, foundClosed, foundUnreachable, foundSilent, foundUnasked} {
		if n := r.Counts[word]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(word, "-", " ")))
		}
	}
	n := len(r.Found)
	s := fmt.Sprintf("%d %s: %s", n, plural(n, "address", "addresses"), strings.Join(parts, ", "))
	if n > 0 && r.Counts[foundSilent]+r.Counts[foundClosed]+r.Counts[foundUnreachable] == n {
		s += "\nNothing answered. A device is silent to a wrong community and to an address its access list does not let in; where SNMP is off, the port is closed or silent."
	}
	for _, f := range r.Found {
		if f.Found == foundUnreachable {
			return s + "\nUnreachable: " + plain(f.detail)
		}
	}
	return s
}
