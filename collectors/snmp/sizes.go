package snmp

import "math"

// sizes remembers how many rows columns had last time: the room to make for them. It takes no
// more memory for more columns; two may share a place, which costs only a wrong guess.
type sizes [512]uint16

func (s *sizes) place(oid string) *uint16 {
	h := uint32(2166136261) // FNV-1a
	for i := range len(oid) {
		h = (h ^ uint32(oid[i])) * 16777619
	}
	return &s[h%uint32(len(s))]
}

func (s *sizes) get(oid string) int { return int(*s.place(oid)) }

func (s *sizes) set(oid string, rows int) { *s.place(oid) = uint16(min(rows, math.MaxUint16)) }
