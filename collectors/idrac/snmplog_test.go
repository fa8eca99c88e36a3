package idrac_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/idrac"
	"rackpost/hw"
)

// withLog adds a log of records 1 to n, one a minute, to rows; falling: the agent's first is the newest.
func withLog(rows mibRows, n int, falling bool) mibRows {
	kv := []string{"4.300.1.0", "2|" + strconv.Itoa(n)}
	for i := 1; i <= n; i++ {
		index := i
		if falling {
			index = n - i + 1
		}
		at := time.Date(2026, 5, 1, 0, i, 0, 0, time.UTC).Format("20060102150405") + ".000000+000"
		kv = append(kv, fmt.Sprintf("4.300.40.1.5.1.%d", index), fmt.Sprintf("4|Fan %d failed.", i), fmt.Sprintf("4.300.40.1.7.1.%d", index), "2|5", fmt.Sprintf("4.300.40.1.8.1.%d", index), "4|"+at)
	}
	return rows.with(kv...)
}

func entries(r snmpReport) (first, last string, n int) {
	if len(r.Log) == 0 {
		return "", "", 0
	}
	return r.Log[0].Entry, r.Log[len(r.Log)-1].Entry, len(r.Log)
}

// The log is read by its end, whichever end the agent counts from: at first the newest, then what came
// since, and after it was cleared what is there.
func TestLogByCursor(t *testing.T) {
	t.Parallel()
	for _, falling := range []bool{false, true} {
		t.Run(fmt.Sprint(falling), func(t *testing.T) {
			t.Parallel()
			rows := old(t)
			v := visitingRows(t, withLog(rows, 100, falling))
			want := func(what, first, last string, n, requests int) {
				t.Helper()
				r := v.visit("log")
				r.complete(t)
				if a, b, got := entries(r); a != first || b != last || got != n {
					t.Errorf("%s: %d lines, %s to %s; want %d, %s to %s", what, got, a, b, n, first, last)
				}
				if r.Requests > requests {
					t.Errorf("%s: %d requests, at most %d", what, r.Requests, requests)
				}
			}
			want("at first", "37", "100", 64, 10)
			r := v.visit("log")
			if d := cmp.Diff([]hw.LogCursor{{Log: "sel", Cursor: "100"}}, r.Cursors); d != "" || len(r.Log) > 0 || r.Requests > 2 {
				t.Errorf("nothing new: %d lines, %d requests, %s", len(r.Log), r.Requests, d)
			}
			v.becomes(withLog(rows, 103, falling))
			want("three more", "101", "103", 3, 3)
			v.becomes(withLog(rows, 2, falling))
			want("cleared", "1", "2", 2, 3)
			v.becomes(withLog(rows, 0, falling))
			want("empty", "", "", 0, 1)
			v.becomes(withLog(rows, 1, falling))
			want("one", "1", "1", 1, 3)
		})
	}
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	rows := withLog(old(t), 1, false)
	r := visitingRows(t, rows).visit("log")
	want := []hw.LogLine{{Unit: rows.said("1.3.2.0"), Log: "sel", Entry: "1", At: time.Date(2026, 5, 1, 0, 1, 0, 0, time.UTC), Level: "critical", Text: "Fan 1 failed."}}
	if d := cmp.Diff(want, r.Log); d != "" {
		t.Error(d)
	}
}

// A log that was cleared and has more records than before is read from its begin.
func TestLogClearedAndFilled(t *testing.T) {
	t.Parallel()
	for _, falling := range []bool{false, true} {
		v := visitingRows(t, withLog(old(t), 3, falling))
		v.visit("log")
		rows := withLog(old(t), 5, falling)
		for i := 1; i <= 5; i++ {
			at := strings.Replace(rows.said(fmt.Sprintf("4.300.40.1.8.1.%d", i)), "202605", "202607", 1)
			rows = rows.with(fmt.Sprintf("4.300.40.1.8.1.%d", i), "4|"+at)
		}
		v.becomes(rows)
		r := v.visit("log")
		if a, b, n := entries(r); a != "1" || b != "5" || n != 5 {
			t.Errorf("falling %v: %d lines, %s to %s", falling, n, a, b)
		}
	}
}

// A log as long as an agent likes is not read to its end.
func TestLongLog(t *testing.T) {
	t.Parallel()
	rows := withLog(old(t), 1500, false)
	v := visitingRows(t, rows)
	if r := v.visit("log"); len(r.Log) != 64 || r.Requests > 10 {
		t.Errorf("%d lines in %d requests", len(r.Log), r.Requests)
	}
	v.becomes(withLog(old(t), 2, false))
	v.visit("log")
	v.becomes(rows)
	r := v.visit("log")
	if r.extent(t, "log") != hw.Partial || len(r.Log) != 64 {
		t.Errorf("%d lines, %v", len(r.Log), r.Read)
	}
	v.becomes(rows.with("4.300.1.0", "2|2000000000"))
	if r := v.visit("log"); r.Requests > 40 {
		t.Errorf("%d requests for a number that is not true", r.Requests)
	}
}

// A record that cannot be read is left out, and the log goes on.
func TestLogWithGarbage(t *testing.T) {
	t.Parallel()
	rows := withLog(old(t), 20, false).with("4.300.40.1.5.1.7", "2|7", "4.300.40.1.8.1.8", "4|********************+***", "4.300.40.1.7.1.9", "4|no")
	r := visitingRows(t, rows).visit("log")
	if r.extent(t, "log") != hw.Partial || len(r.Log) != 19 {
		t.Errorf("%d lines, %v", len(r.Log), r.Read)
	}
	for _, l := range r.Log {
		if l.Entry == "7" || l.Entry == "8" && !l.At.IsZero() || l.Entry == "9" && l.Level != "" {
			t.Errorf("%+v", l)
		}
	}
}

func TestDateOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"20260501000100.000000+000": "2026-05-01T00:01:00Z", "19940525133015.000000-300": "1994-05-25T18:30:15Z", "20260501000100.000000+120": "2026-04-30T22:01:00Z",
		"20260501000100": "2026-05-01T00:01:00Z", "20260501000100.******+***": "2026-05-01T00:01:00Z", "20261301000100.000000+000": "", "": "", "nonsense": "", "****************": "",
	} {
		got := idrac.DateOf(text)
		if s := got.Format(time.RFC3339); s != want && (want != "" || !got.IsZero()) {
			t.Errorf("%q is %s, want %s", text, s, want)
		}
	}
}

func FuzzDateOf(f *testing.F) {
	f.Add("20260501000100.000000+120")
	f.Fuzz(func(t *testing.T, s string) {
		if at := idrac.DateOf(s); !at.IsZero() && (at.Year() < -1 || at.Year() > 10_000) {
			t.Errorf("%q is %v", s, at)
		}
	})
}

func TestExpressServiceCode(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{"ABC1234": "22453156048", "0000001": "1", "": "", "<private>": "", "abc1234": "", "AB C123": "", "1234": ""} {
		if got := idrac.ExpressOf(tag); got != want {
			t.Errorf("%q is %q, want %q", tag, got, want)
		}
	}
}
