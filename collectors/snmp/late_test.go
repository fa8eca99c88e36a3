package snmp_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
	"rackpost/hw"
)

// A device that answers each request when it has been given up is told from a silent one, and
// what was waited for is said as it was.
func TestLateAnswersAreTold(t *testing.T) {
	t.Parallel()
	var held [][]byte // what an earlier request asked for
	for _, c := range []struct {
		name       string
		fault      func(n int, req, ans *gosnmp.SnmpPacket) [][]byte
		text, hint string
	}{
		{"late", func(_ int, _, ans *gosnmp.SnmpPacket) [][]byte {
			late := held
			held = encode(ans)
			return late
		}, "no answer in time to 3 requests within 160ms, 2 too late", "not within 40ms: give it a longer timeout"},
		{"silent", func(int, *gosnmp.SnmpPacket, *gosnmp.SnmpPacket) [][]byte { return nil },
			"no answer to 3 requests within 160ms", "check the address"},
		{"answers of a stranger", func(n int, _, ans *gosnmp.SnmpPacket) [][]byte {
			ans.RequestID += uint32(n) + 1
			return encode(ans)
		}, "no answer to 3 requests within 160ms", "check the address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newAgent(t, []object{upTime(7)}, c.fault)
			tg := target(a)
			tg.Timeout = 40 * time.Millisecond
			s := session(t, tg)
			s.StartVisit()
			_, err := s.Get(t.Context(), "1.3.6.1.2.1.1.3.0")
			var v *collectors.VisitError
			if !errors.As(err, &v) || v.Reason != hw.NoAnswer {
				t.Fatalf("error %v, want %s", err, hw.NoAnswer)
			}
			if !strings.HasSuffix(v.Err.Error(), c.text) || !strings.Contains(v.Hint, c.hint) {
				t.Errorf("told %q, hint %q; want %q and %q", v.Err, v.Hint, c.text, c.hint)
			}
		})
	}
}
