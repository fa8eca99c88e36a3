package intake

import (
	"fmt"
	"time"
)

// usage is what a site brought today.
type usage struct {
	day   int64 // since 1970, UTC
	bytes int64
}

func dayOf(now time.Time) int64 { return now.Unix() / (24 * 3600) }

// add counts bytes.
func (u *usage) add(now time.Time, bytes int) {
	u.turn(now)
	u.bytes += int64(bytes)
}

// turn begins a new day at midnight. A clock that is set back does not.
func (u *usage) turn(now time.Time) {
	if d := dayOf(now); d > u.day || u.day-d > 1 {
		u.day, u.bytes = d, 0
	}
}

// over says in words that a site brought more than it may; empty: it did not.
func (q Quota) over(today, stored int64) string {
	switch {
	case q.BytesStored > 0 && stored >= q.BytesStored:
		return fmt.Sprintf("the site keeps %s at headquarters, its quota is %s: only facts are taken until older records were dropped or the quota is raised", amount(stored), amount(q.BytesStored))
	case q.BytesPerDay > 0 && today >= q.BytesPerDay:
		return fmt.Sprintf("the site brought %s today, its quota is %s a day: only facts are taken until midnight UTC or until the quota is raised", amount(today), amount(q.BytesPerDay))
	}
	return ""
}

// amount writes bytes as people do.
func amount(n int64) string {
	units := []string{"bytes", "KB", "MB", "GB", "TB"}
	v, i := float64(n), 0
	for v >= 10_000 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	return fmt.Sprintf("%.0f %s", v, units[i])
}
