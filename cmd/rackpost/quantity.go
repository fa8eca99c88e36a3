package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var sizeUnits = map[string]float64{
	"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// parseSize reads a number of bytes with its unit: 8GB, 512 MiB.
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, " BKMGTbkmgti")
	unit := strings.TrimSpace(s[len(digits):])
	n, err := strconv.ParseFloat(digits, 64)
	switch {
	case err == nil && unit == "":
		return 0, fmt.Errorf("%q has no unit; write %sGB, %sMB or the like", shorten(s), digits, digits)
	case err != nil || n < 0 || math.IsNaN(n) || math.IsInf(n, 0) || n*sizeUnits[unit] > math.MaxInt64/2:
		return 0, fmt.Errorf("%q is no size; write a number and a unit, such as 8GB or 512MiB", shorten(s))
	}
	if _, ok := sizeUnits[unit]; !ok {
		return 0, fmt.Errorf("%q has an unknown unit; write B, kB, MB, GB, TB, KiB, MiB, GiB or TiB", shorten(s))
	}
	return int64(n * sizeUnits[unit]), nil
}

const day = 24 * time.Hour

// parseDuration reads a time with its unit: 60s, 5m, 1h30m, and in whole days: 7d.
func parseDuration(s string) (time.Duration, error) {
	if n, ok := strings.CutSuffix(s, "d"); ok {
		days, err := strconv.ParseUint(n, 10, 16)
		if err == nil {
			return time.Duration(days) * day, nil
		}
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil && s != "0" {
		return 0, fmt.Errorf("%q has no unit; write %ss for seconds, %sm for minutes", shorten(s), s, s)
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration; write a number and a unit, such as 60s, 5m, 1h or 7d", shorten(s))
	}
	return d, nil
}

// shortDuration writes d as people do: 1h, 5m, 1m30s.
func shortDuration(d time.Duration) string {
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
