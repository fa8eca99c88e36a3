package web

import (
	"encoding/base64"
	"fmt"
	"time"

	"rackpost/hw"
)

// FactOf writes a fact of the journal for the API.
func FactOf(f hw.Fact, turn uint64) Fact {
	return Fact{
		At: f.At, Turn: turn, Kind: kindName(f.Kind), Device: f.Device,
		Component: f.Component, Group: f.Group, Removed: f.Removed, Value: valueOf(f.Value), Says: says(f),
	}
}

func kindName(k hw.FactKind) string {
	switch k {
	case hw.ComponentFact:
		return "component"
	case hw.AlertFact:
		return "alert"
	case hw.GapFact:
		return "gap"
	case hw.UnitFact:
		return "unit"
	case hw.ClockFact:
		return "clock"
	case hw.ActFact:
		return "act"
	case hw.LearnedFact:
		return "learned"
	}
	return fmt.Sprintf("kind-%d", k)
}

func valueOf(v hw.Value) map[string]any {
	switch v := v.(type) {
	case hw.ComponentValue:
		m := map[string]any{"health": v.Health, "state": v.State, "attrs": v.Attrs}
		setIf(m, "expected", v.Expected)
		setIf(m, "missing", v.Missing)
		setIf(m, "flaps", v.Flaps)
		return m
	case hw.AlertValue:
		m := map[string]any{"open": v.Open, "level": v.Level, "params": v.Params}
		setTime(m, "since", v.Since)
		setTime(m, "closed", v.Closed)
		return m
	case hw.GapValue:
		m := map[string]any{"reason": v.Reason}
		setIf(m, "detail", v.Detail)
		setTime(m, "from", v.From)
		setTime(m, "to", v.To)
		return m
	case hw.UnitValue:
		m := map[string]any{"serial": v.Serial, "model": v.Model, "version": v.Version, "name": v.Name}
		setIf(m, "previous", v.Previous)
		setTime(m, "since", v.Since)
		return m
	case hw.ClockValue:
		return map[string]any{"trusted": v.Trusted, "source": v.Source, "offset_ms": v.OffsetMS}
	case hw.ActValue:
		m := map[string]any{"phase": v.Phase, "on": v.On, "who": v.Who}
		setTime(m, "since", v.Since)
		setTime(m, "until", v.Until)
		setIf(m, "reason", v.Reason)
		setIf(m, "detail", v.Detail)
		if len(v.Params) > 0 {
			m["params"] = v.Params
		}
		return m
	case hw.LearnedValue:
		return map[string]any{"text": v.Value}
	case hw.Opaque:
		return map[string]any{"bytes": base64.StdEncoding.EncodeToString(v.Bytes)}
	}
	return nil
}

func setIf[T comparable](m map[string]any, key string, v T) {
	var zero T
	if v != zero {
		m[key] = v
	}
}

func setTime(m map[string]any, key string, t time.Time) {
	if !t.IsZero() {
		m[key] = t
	}
}
