package snmp

import "fmt"

// maxSubIDs is the greatest number of numbers in an OID (RFC 2578, 3.5).
const maxSubIDs = 128

// compareOID orders two OIDs in canonical dotted decimal as the MIB is ordered: -1, 0 or 1.
// Both have a leading dot or neither has.
func compareOID(a, b string) int {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	if i == len(a) || i == len(b) {
		return compareEnd(a, b, i)
	}
	if a[i] == '.' || b[i] == '.' { // one number is the beginning of the other
		if a[i] == '.' {
			return -1
		}
		return 1
	}
	da, db := digits(a[i:]), digits(b[i:])
	if da != db {
		return sign(da - db)
	}
	return sign(int(a[i]) - int(b[i]))
}

// compareEnd compares when one of the two ended at i without a difference.
func compareEnd(a, b string, i int) int { return sign((len(a) - i) - (len(b) - i)) }

func digits(s string) int {
	for i := range len(s) {
		if s[i] == '.' {
			return i
		}
	}
	return len(s)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// under reports whether name lies below prefix, which ends in a dot: column 2.2.1.1 does
// not hold 2.2.1.10.
func under(name, prefix string) bool {
	return len(name) > len(prefix) && name[:len(prefix)] == prefix
}

// checkOID refuses what is not canonical dotted decimal without a leading dot.
func checkOID(oid string) error {
	parts, run := 0, uint64(0)
	for start, i := 0, 0; i <= len(oid); i++ {
		if i < len(oid) && oid[i] != '.' {
			if oid[i] < '0' || oid[i] > '9' {
				return fmt.Errorf("oid %.40q: want numbers and dots, like 1.3.6.1.2.1.1.3.0", oid)
			}
			run = min(run*10+uint64(oid[i]-'0'), 1<<40)
			continue
		}
		if i == start || run > 1<<32-1 || (oid[start] == '0' && i-start > 1) {
			return fmt.Errorf("oid %.40q: number %d is empty, too large or has a leading zero", oid, parts+1)
		}
		start, run, parts = i+1, 0, parts+1
	}
	if parts < 2 || parts > maxSubIDs {
		return fmt.Errorf("oid %.40q: want 2 to %d numbers", oid, maxSubIDs)
	}
	return nil
}
