package capture

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"rackpost/collectors/sim"
)

// About is what the notes tell besides the result.
type About struct {
	Version string // of rackpost
	Kind    string
	All     bool   // every group was asked for, not only the kind's tables
	Keyed   bool   // the pseudonyms come from a key that the owner keeps
	Replay  string // what rackpost reads from the replay, in a sentence
}

const replaced = `Everything that identifies the owner was replaced before anything was written. The same input has the
same pseudonym in all files%s. The key of the pseudonyms is not here.

  IPv4 addresses     one of 240.0.0.0/5, one /24 for each /24; network, broadcast, masks and loopback as they are
  IPv6 addresses     one of 2001:db8::/32, one /64 for each /64; fe80:: stays fe80::
  MAC addresses      locally administered ones, one prefix for each prefix; group addresses stay group addresses
  serial numbers     other letters and digits in the same places
  names              name-xxxxxxxx, domains domain-xxxxxxxx: hosts, neighbours, users, VLANs, peers, interfaces that
                     people named (inside, outside, dmz and management stay)
  free text          other letters and digits in the same places: descriptions, contact, location, and every text
                     of an object that is not known to carry the maker's words

The same holds for addresses, names and serial numbers within other texts and in the indexes of tables.
Numbers, states, models, versions, and the names of interfaces, parts and pools are as the device told them.
A VLAN's number and an interface's number are as they are.
`

// WriteNotes tells a person what the capture holds, what not, and why.
func (r *Result) WriteNotes(w io.Writer, about About) error {
	b := bufio.NewWriter(w)
	state := "complete"
	if !r.Whole() {
		state = "INCOMPLETE"
	}
	fmt.Fprintf(b, "A recording of an SNMP device, %s.\n\n", state)
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	descr, _, _ := strings.Cut(r.text("1.3.6.1.2.1.1.1.0"), "\n")
	fmt.Fprintf(tw, "device\t%s\nsysObjectID\t%s\nkind\t%s\n", strings.TrimSpace(descr), r.text("1.3.6.1.2.1.1.2.0"), about.Kind)
	fmt.Fprintf(tw, "recorded\t%s, in %s with %d requests\n", r.Started.UTC().Format(time.RFC3339), r.Took.Round(100*time.Millisecond), r.Requests)
	fmt.Fprintf(tw, "by\trackpost %s\nobjects\t%d\n", about.Version, len(r.Recording.Rows()))
	_ = tw.Flush() // into b, whose Flush tells
	if r.Stopped != "" {
		fmt.Fprintf(b, "\nNot all was read: %s.\n", r.Stopped)
	}
	if about.Replay != "" {
		fmt.Fprintf(b, "%s\n", about.Replay)
	}
	fmt.Fprint(b, "\nFILES\n\n  device.snmprec  the objects: OID|type|value; replay them with rackpost sim -recording device.snmprec\n"+
		"  probe.json      what rackpost reads from that replay\n  NOTES.txt       this\n")
	known := " of this capture"
	if about.Keyed {
		known += " and of every other with the same key"
	}
	fmt.Fprintf(b, "\nWHAT WAS REPLACED\n\n"+replaced, known)
	c := r.Counts
	fmt.Fprintf(b, "\nChanged: %d texts, %d IpAddress values, %d indexes; %d names; %d names, serial numbers and MAC addresses were looked for everywhere.\n",
		c.Texts, c.Addresses, c.Indexes, c.Names, c.Learned)
	r.writeReads(b, about.All)
	return b.Flush()
}

// writeReads lists the subtrees.
func (r *Result) writeReads(b *bufio.Writer, all bool) {
	fmt.Fprint(b, "\nWHAT WAS READ\n\n")
	empty := 0
	for _, x := range r.Reads {
		switch {
		case x.Reason != "":
			fmt.Fprintf(b, "  %-40s %6d objects, NOT TO ITS END: %s\n", x.OID, x.Rows, x.Reason)
		case x.Rows > 0:
			fmt.Fprintf(b, "  %-40s %6d objects\n", x.OID, x.Rows)
		case all:
			empty++ // a thousand of them
		default:
			fmt.Fprintf(b, "  %-40s   none: the device does not have it\n", x.OID)
		}
	}
	if empty > 0 {
		fmt.Fprintf(b, "  %d further groups: the device does not have them\n", empty)
	}
	if len(r.Unread) > 0 {
		fmt.Fprintf(b, "\nNot asked for any more, because %s:\n\n", r.Stopped)
		for _, oid := range r.Unread[:min(len(r.Unread), maxListed)] {
			fmt.Fprintf(b, "  %s\n", oid)
		}
		if n := len(r.Unread) - maxListed; n > 0 {
			fmt.Fprintf(b, "  and %d more\n", n)
		}
	}
	if r.Malformed > 0 {
		fmt.Fprintf(b, "\nLeft out: %d objects whose value could not be read or is outside its type.\n", r.Malformed)
	}
	if n := r.Skipped + r.Counts.Collided; n > 0 {
		fmt.Fprintf(b, "\nLeft out: %d objects that are never kept.\n", n)
	}
	fmt.Fprint(b, "\nNEVER READ\n\n  what a switch tells only in the context of one VLAN: its spanning tree, its MAC addresses\n")
	for _, x := range Exclusions() {
		fmt.Fprintf(b, "  %-30s %s\n", x.OID, x.What)
	}
}

const maxListed = 200

// text returns a text of the recording, which is scrubbed.
func (r *Result) text(oid string) string {
	rows := r.Recording.Rows()
	for i := range rows {
		if rows[i].OID == oid {
			return strings.Map(func(c rune) rune {
				if c < ' ' && c != '\n' {
					return ' '
				}
				return c
			}, string(rows[i].Value))
		}
	}
	return ""
}

// WriteRecording writes the objects.
func (r *Result) WriteRecording(w io.Writer) error { return sim.WriteRecording(w, r.Recording) }
