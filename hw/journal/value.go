package journal

import (
	"bytes"
	"slices"

	"rackpost/hw"
)

// Bits of a component's second field.
const (
	bitExpected = 1
	bitMissing  = 2
)

func appendValue(p []byte, v hw.Value) []byte {
	switch v := v.(type) {
	case hw.ComponentValue:
		return appendComponent(p, v)
	case hw.AlertValue:
		p = appendFlag(p, 1, v.Open)
		p = appendUintField(p, 2, uint64(v.Level))
		p = appendTime(p, 3, v.Since)
		p = appendTime(p, 4, v.Closed)
		return appendPairs(p, 5, v.Params)
	case hw.GapValue:
		p = appendBytesField(p, 1, v.Reason)
		p = appendBytesField(p, 2, v.Detail)
		p = appendTime(p, 3, v.From)
		return appendTime(p, 4, v.To)
	case hw.UnitValue:
		for i, s := range []string{v.Serial, v.Model, v.Version, v.Name} {
			p = appendBytesField(p, i+1, s)
		}
		p = appendTime(p, 5, v.Since)
		return appendBytesField(p, 6, v.Previous)
	case hw.ClockValue:
		p = appendFlag(p, 1, v.Trusted)
		p = appendBytesField(p, 2, v.Source)
		return appendIntField(p, 3, v.OffsetMS)
	case hw.ActValue:
		return appendAct(p, v)
	case hw.LearnedValue:
		return appendBytesField(p, 1, v.Value)
	case hw.Opaque:
		return append(p, v.Bytes...)
	}
	return p
}

func appendComponent(p []byte, v hw.ComponentValue) []byte {
	var bits uint64
	if v.Expected {
		bits |= bitExpected
	}
	if v.Missing {
		bits |= bitMissing
	}
	p = appendUintField(p, 1, uint64(v.Health))
	p = appendUintField(p, 2, bits)
	p = appendUintField(p, 3, uint64(v.Flaps))
	p = appendPairs(p, 4, v.State)
	return appendPairs(p, 5, v.Attrs)
}

// parseValue reads a value of version 1. A kind it does not know is opaque.
func parseValue(kind hw.FactKind, b []byte) (hw.Value, error) {
	switch kind {
	case hw.ComponentFact:
		return parseComponent(b)
	case hw.AlertFact:
		return parseAlert(b)
	case hw.GapFact:
		return parseGap(b)
	case hw.UnitFact:
		return parseUnit(b)
	case hw.ClockFact:
		return parseClock(b)
	case hw.ActFact:
		return parseAct(b)
	case hw.LearnedFact:
		return parseLearned(b)
	}
	return hw.Opaque{Kind: kind, Bytes: slices.Clone(b)}, nil
}

func parseComponent(b []byte) (v hw.ComponentValue, err error) {
	err = fields(b, func(f field) (err error) {
		switch {
		case f.is(4, wireBytes):
			v.State, err = parsePair(v.State, f.bytes)
		case f.is(5, wireBytes):
			v.Attrs, err = parsePair(v.Attrs, f.bytes)
		default:
			beginComponent(&v, f)
		}
		return err
	})
	return v, err
}

// outlineComponent is parseComponent without State and Attrs. It refuses what that one refuses.
func outlineComponent(b []byte) (v hw.ComponentValue, err error) {
	var key []byte // the last of its field
	number := 0
	err = fields(b, func(f field) error {
		if !f.is(4, wireBytes) && !f.is(5, wireBytes) {
			beginComponent(&v, f)
			return nil
		}
		next, _, err := sized(f.bytes)
		if err == nil && f.number == number && bytes.Compare(key, next) >= 0 {
			err = corrupt("pair %q after %q", next, key)
		}
		key, number = next, f.number
		return err
	})
	return v, err
}

// beginComponent reads what comes before State and Attrs.
func beginComponent(v *hw.ComponentValue, f field) {
	switch {
	case f.is(1, wireUint):
		v.Health = hw.Health(f.num)
		if f.num > uint64(hw.Critical) {
			v.Health = hw.Unknown // a later version's word: not ours to call a fault
		}
	case f.is(2, wireUint):
		v.Expected, v.Missing = f.num&bitExpected != 0, f.num&bitMissing != 0
	case f.is(3, wireUint):
		v.Flaps = uint32(min(f.num, 1<<32-1))
	}
}

func parseAlert(b []byte) (v hw.AlertValue, err error) {
	err = fields(b, func(f field) (err error) {
		switch {
		case f.is(1, wireUint):
			v.Open = f.num == 1
		case f.is(2, wireUint):
			v.Level = hw.Level(min(f.num, uint64(hw.LevelDisaster)))
		case f.is(3, wireInt):
			v.Since = f.time()
		case f.is(4, wireInt):
			v.Closed = f.time()
		case f.is(5, wireBytes):
			v.Params, err = parsePair(v.Params, f.bytes)
		}
		return err
	})
	return v, err
}

func parseGap(b []byte) (v hw.GapValue, err error) {
	err = fields(b, func(f field) error {
		switch {
		case f.is(1, wireBytes):
			v.Reason = hw.Reason(f.bytes)
		case f.is(2, wireBytes):
			v.Detail = string(f.bytes)
		case f.is(3, wireInt):
			v.From = f.time()
		case f.is(4, wireInt):
			v.To = f.time()
		}
		return nil
	})
	return v, err
}

func parseUnit(b []byte) (v hw.UnitValue, err error) {
	texts := []*string{1: &v.Serial, 2: &v.Model, 3: &v.Version, 4: &v.Name, 6: &v.Previous}
	err = fields(b, func(f field) error {
		switch {
		case f.is(5, wireInt):
			v.Since = f.time()
		case f.wire == wireBytes && f.number < len(texts) && texts[f.number] != nil:
			*texts[f.number] = string(f.bytes)
		}
		return nil
	})
	return v, err
}

func parseClock(b []byte) (v hw.ClockValue, err error) {
	err = fields(b, func(f field) error {
		switch {
		case f.is(1, wireUint):
			v.Trusted = f.num == 1
		case f.is(2, wireBytes):
			v.Source = string(f.bytes)
		case f.is(3, wireInt):
			v.OffsetMS = f.int()
		}
		return nil
	})
	return v, err
}

func appendAct(p []byte, v hw.ActValue) []byte {
	p = appendUintField(p, 1, uint64(v.Phase))
	p = appendFlag(p, 2, v.On)
	p = appendBytesField(p, 3, v.Who)
	p = appendTime(p, 4, v.Since)
	p = appendTime(p, 5, v.Until)
	p = appendBytesField(p, 6, v.Reason)
	p = appendBytesField(p, 7, v.Detail)
	return appendPairs(p, 8, v.Params)
}

func parseAct(b []byte) (v hw.ActValue, err error) {
	err = fields(b, func(f field) (err error) {
		switch {
		case f.is(1, wireUint):
			v.Phase = hw.Phase(f.num)
			if f.num > uint64(hw.ActFailed) {
				v.Phase = hw.ActUnknown // a later version's word: it may have been done
			}
		case f.is(2, wireUint):
			v.On = f.num == 1
		case f.is(3, wireBytes):
			v.Who = string(f.bytes)
		case f.is(4, wireInt):
			v.Since = f.time()
		case f.is(5, wireInt):
			v.Until = f.time()
		case f.is(6, wireBytes):
			v.Reason = hw.Reason(f.bytes)
		case f.is(7, wireBytes):
			v.Detail = string(f.bytes)
		case f.is(8, wireBytes):
			v.Params, err = parsePair(v.Params, f.bytes)
		}
		return err
	})
	return v, err
}

func parseLearned(b []byte) (v hw.LearnedValue, err error) {
	err = fields(b, func(f field) error {
		if f.is(1, wireBytes) {
			v.Value = string(f.bytes)
		}
		return nil
	})
	return v, err
}
