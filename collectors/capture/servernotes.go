package capture

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

const replacedOfServer = `Everything that identifies the owner was replaced before anything was written. The same input has the
same pseudonym in all files%s. The key of the pseudonyms is not here.

  IPv4 addresses     one of 240.0.0.0/5, one /24 for each /24; network, broadcast, masks and loopback as they are
  IPv6 addresses     one of 2001:db8::/32, one /64 for each /64; fe80:: stays fe80::
  MAC addresses      locally administered ones, one prefix for each prefix
  serial numbers     other letters and digits in the same places: service tags, UUIDs, world wide names, SKUs
  names              name-xxxxxxxx, domains domain-xxxxxxxx: hosts, users
  free text          other letters and digits in the same places: asset tags, locations, names of volumes, and every
                     text of a property that is not known to carry the maker's words
  lines of logs      what a message was made with; a message that does not tell that, word by word

The same holds for names, addresses and serial numbers within other texts and in paths.
Numbers, states, models, part numbers, versions and the names of parts are as the device told them.
`

// WriteNotes tells a person what the capture of a server holds, what not, and why.
func (r *ServerResult) WriteNotes(w io.Writer, about About) error {
	b := bufio.NewWriter(w)
	state := "complete"
	if !r.Whole() {
		state = "INCOMPLETE"
	}
	fmt.Fprintf(b, "A recording of the management controller of a server, %s.\n\n", state)
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	var root struct{ Vendor, Product, RedfishVersion string }
	if len(r.Tree.Documents) > 0 {
		_ = json.Unmarshal(r.Tree.Documents[0].Body, &root) // what cannot be read is not told
	}
	fmt.Fprintf(tw, "device\t%s %s, Redfish %s\nkind\t%s\n", root.Vendor, root.Product, root.RedfishVersion, about.Kind)
	fmt.Fprintf(tw, "recorded\t%s, in %s with %d requests\n", r.Tree.Started.UTC().Format(time.RFC3339), r.Tree.Took.Round(100*time.Millisecond), r.Tree.Requests)
	fmt.Fprintf(tw, "by\trackpost %s\nresources\t%d\n", about.Version, len(r.Tree.Documents))
	if r.SNMP != nil {
		fmt.Fprintf(tw, "objects\t%d over SNMP\n", len(r.SNMP.Recording.Rows()))
	}
	_ = tw.Flush() // into b, whose Flush tells
	for _, why := range []string{r.Tree.Stopped, r.snmpStopped()} {
		if why != "" {
			fmt.Fprintf(b, "\nNot all was read: %s.\n", why)
		}
	}
	if about.Replay != "" {
		fmt.Fprintf(b, "%s\n", about.Replay)
	}
	fmt.Fprint(b, "\nFILES\n\n  redfish/        the resources, as DMTF's mock-ups have them; replay them with rackpost sim -recording of this folder\n")
	if r.SNMP != nil {
		fmt.Fprint(b, "  device.snmprec  what its SNMP agent says\n")
	}
	fmt.Fprint(b, "  probe.json      what rackpost reads from that replay\n  NOTES.txt       this\n")
	known := " of this capture"
	if about.Keyed {
		known += " and of every other with the same key"
	}
	fmt.Fprintf(b, "\nWHAT WAS REPLACED\n\n"+replacedOfServer, known)
	fmt.Fprintf(b, "\nChanged: %d texts; %d names; %d names, serial numbers and MAC addresses were looked for everywhere.\n", r.Counts.Texts, r.Counts.Names, r.Counts.Learned)
	r.writeUnread(b)
	return b.Flush()
}

func (r *ServerResult) snmpStopped() string {
	switch {
	case r.SNMPError != nil:
		return "SNMP did not answer"
	case r.SNMP != nil && r.SNMP.Stopped != "":
		return "over SNMP, " + r.SNMP.Stopped
	}
	return ""
}

// writeUnread lists what is not in the recording.
func (r *ServerResult) writeUnread(b *bufio.Writer) {
	if n := len(r.Tree.Failed); n > 0 {
		fmt.Fprint(b, "\nCOULD NOT BE READ\n\n")
		for _, u := range r.Tree.Failed[:min(n, maxListed)] {
			fmt.Fprintf(b, "  %-16s %s\n", u.Reason, u.Path)
		}
		if n > maxListed {
			fmt.Fprintf(b, "  and %d more\n", n-maxListed)
		}
	}
	if r.Tree.Left > 0 {
		fmt.Fprintf(b, "\nNot asked for any more: %d resources.\n", r.Tree.Left)
	}
	fmt.Fprint(b, "\nNEVER READ: what has one of these words in its path\n\n")
	exclusions := TreeExclusions()
	for _, x := range exclusions {
		fmt.Fprintf(b, "  %-22s %s\n", x.OID, x.What)
	}
	fmt.Fprint(b, "\nOf a log the first page was read.")
	if len(r.Tree.Skipped) > 0 {
		fmt.Fprint(b, " Linked, and not read for these words:")
		for _, word := range slices.Sorted(maps.Keys(r.Tree.Skipped)) {
			fmt.Fprintf(b, " %s %d", word, r.Tree.Skipped[word])
		}
	}
	fmt.Fprintln(b)
}
