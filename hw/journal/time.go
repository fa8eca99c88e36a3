package journal

import "time"

// The times the format can hold: the first and the last millisecond of the years 1 to 9999,
// UTC. Others are moved to the nearest, so that no difference of two overflows and every time
// can be printed.
const (
	minMS = -62_135_596_800_000
	maxMS = 253_402_300_799_999
)

func clampMS(ms int64) int64 { return min(max(ms, minMS), maxMS) }

// millis returns the Unix milliseconds of t, rounded down. The zero time is minMS.
func millis(t time.Time) int64 {
	switch s := t.Unix(); { // UnixMilli is undefined for far years
	case s < minMS/1000:
		return minMS
	case s > maxMS/1000:
		return maxMS
	}
	return t.UnixMilli()
}

// moment is the inverse of millis.
func moment(ms int64) time.Time { return time.UnixMilli(clampMS(ms)).UTC() }

// after returns wallMS+d as a time the format can hold, also where the sum overflows.
func after(wallMS, d int64) int64 {
	const far = maxMS - minMS
	return clampMS(clampMS(wallMS) + min(max(d, -far), far))
}

// appendTime leaves out the zero time, which is not known, and nothing else: the beginning
// of Unix time is a time.
func appendTime(p []byte, number int, t time.Time) []byte {
	if t.IsZero() {
		return p
	}
	return appendIntPresent(p, number, millis(t))
}

func (f field) time() time.Time { return moment(f.int()) }
