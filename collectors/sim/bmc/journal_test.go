package bmc_test

import (
	"runtime"
	"testing"
	"time"
)

const lclog = "/redfish/v1/Managers/iDRAC.Embedded.1/LogServices/Lclog/Entries"

func TestLogComesInPages(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	first := l.get(lclog)
	total := int(first["Members@odata.count"].(float64))
	next, pages, last := lclog, 0, 1<<30
	for next != "" {
		o := l.get(next)
		for _, m := range members(o) {
			n := entryID(t, m)
			if n >= last {
				t.Fatalf("entry %d after %d", n, last)
			}
			last = n
		}
		if n := len(members(o)); n > 50 {
			t.Fatalf("%d entries in a page", n)
		}
		pages++
		next, _ = o["Members@odata.nextLink"].(string)
	}
	if want := (total + 49) / 50; pages != want || last != 1 {
		t.Errorf("%d pages to entry %d, want %d to entry 1", pages, last, want)
	}
	newest := members(first)[0].(map[string]any)
	if one := l.get(newest["@odata.id"].(string)); one["Message"] != newest["Message"] {
		t.Errorf("one entry alone is %v", one["Message"])
	}
}

func entryID(t *testing.T, m any) int {
	t.Helper()
	n := 0
	for _, c := range m.(map[string]any)["Id"].(string) {
		n = n*10 + int(c-'0')
	}
	return n
}

func TestLogFilter(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	since := l.clock.Now().UTC().Format("2006-01-02T15:04:05+00:00")
	l.clock.Pass(time.Minute)
	l.fault("psu-out", "1")
	o := l.get(lclog + "?$filter=Created%20gt%20'" + since[:19] + "%2B00:00'")
	if len(members(o)) != 1 || members(o)[0].(map[string]any)["Severity"] != "Critical" {
		t.Errorf("since %s: %v", since, members(o))
	}
	if o := l.get("/redfish/v1/Managers/iDRAC.Embedded.1/LogServices/Sel/Entries?$top=1"); members(o)[0].(map[string]any)["EntryType"] != "SEL" {
		t.Errorf("event log: %v", members(o))
	}
	if a := l.do("GET", lclog+"?$filter=Nothing%20eq%201", nil); a.code != 400 {
		t.Errorf("a filter of nothing: %d", a.code)
	}
}

// TestFloodTakesNoMemory reads pages of a log of 500,000 entries from both its ends.
func TestFloodTakesNoMemory(t *testing.T) {
	l := start(t, "poweredge-r740")
	l.login(sessions)
	before := heap()
	l.fault("log-flood", "")
	if o := l.get(lclog); o["Members@odata.count"] != 500_000.0 || len(members(o)) != 50 {
		t.Errorf("%v entries, %d in the first page", o["Members@odata.count"], len(members(o)))
	}
	if o := l.get(lclog + "?$skip=499990"); len(members(o)) != 10 || o["Members@odata.nextLink"] != nil {
		t.Errorf("the last page: %d entries", len(members(o)))
	}
	if grown := int64(heap()) - int64(before); grown > 2<<20 {
		t.Errorf("%d bytes more than before the flood", grown)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
