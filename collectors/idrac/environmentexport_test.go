package idrac

import (
	"context"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// unhurried is the Redfish side as a collector of its own, without the pace a real BMC needs.
type unhurried struct{ side *redfishSide }

func (u unhurried) Collect(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	return u.side.read(ctx, due)
}

func (u unhurried) Close(ctx context.Context) error { return u.side.close(ctx) }

// RedfishUnhurried is a kind that reads an iDRAC over Redfish and nothing else, as fast as it answers.
func RedfishUnhurried() collectors.Kind {
	k := collectors.Kind{Name: KindName, Protocol: redfish.Protocol, New: func(t collectors.Target) (collectors.Collector, error) {
		s, err := openRedfish(t)
		if err != nil {
			return nil, err
		}
		s.client, err = redfish.New(redfish.Config{
			Address: t.Device.Address, User: t.Credentials.User, Password: t.Credentials.Password, Pins: t.Memory, Timeout: t.Timeout, Rate: 1e6, Burst: 1e6,
		})
		return unhurried{s}, err
	}}
	for _, r := range redfishReaders() {
		k.Sections = append(k.Sections, collectors.Section{Name: r.section, Period: time.Minute})
	}
	return k
}

// RedfishDocumented returns what the document says Redfish tells: "section prefix kind key", and true where no device of the
// tests tells it.
func RedfishDocumented() map[string]bool {
	out := map[string]bool{}
	for _, t := range redfishTables() {
		for _, r := range t.rows {
			if r.as != "" {
				out[t.section+" "+t.prefix+" "+useText(&mibObject{use: r.use})+" "+r.as] = r.rare
			}
		}
	}
	return out
}

// RedfishPrefix returns the longest prefix of the document that a path has.
func RedfishPrefix(section, path string) string {
	best := ""
	for _, t := range redfishTables() {
		if t.section == section && strings.HasPrefix(path, t.prefix) && len(t.prefix) > len(best) {
			best = t.prefix
		}
	}
	return best
}

// SupplyState reads DetailedState.
var SupplyState = supplyState
