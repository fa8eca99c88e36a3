package snmp_test

import (
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

func TestAGetIsSentAsOftenAsSaid(t *testing.T) {
	t.Parallel()
	silent := func(int, *gosnmp.SnmpPacket, *gosnmp.SnmpPacket) [][]byte { return nil }
	mib, _ := table(ifTable, 1, 1)
	for _, test := range []struct{ tries, want int }{{0, 1}, {1, 1}, {2, 2}} {
		tg := target(newAgent(t, mib, silent))
		tg.Timeout = 20 * time.Millisecond
		s := session(t, tg)
		s.Tries(test.tries)
		if _, err := s.Get(t.Context(), "1.3.6.1.2.1.1.1.0"); err == nil || s.Requests() != test.want {
			t.Errorf("%d tries: %d requests, want %d; error %v", test.tries, s.Requests(), test.want, err)
		}
	}
}
