package store

import (
	"fmt"
	"strings"
	"time"

	"rackpost/hw"
)

func scopesText(read []hw.Scope) string {
	var out []string
	for _, r := range read {
		out = append(out, r.Section+" "+r.Extent.String())
	}
	return strings.Join(out, ", ")
}

// factText tells a fact in words.
func factText(f hw.Fact) string {
	where := string(f.Device)
	if where == "" {
		where = "the box"
	}
	if f.Component != "" {
		where += " " + f.Component
	}
	what := "is " + valueText(f.Value)
	if f.Removed {
		what = "is gone"
	}
	return fmt.Sprintf("%s %s (%s) %s, at %s", f.Kind, where, f.Group, what, stampText(f.At))
}

func valueText(v hw.Value) string {
	switch v := v.(type) {
	case hw.ComponentValue:
		text := v.Health.String() + pairsText(v.State) + pairsText(v.Attrs)
		if v.Missing {
			text += ", missing"
		}
		if v.Flaps > 0 {
			text += fmt.Sprintf(", changed %d times within the hour", v.Flaps)
		}
		return text
	case hw.AlertValue:
		if v.Open {
			return fmt.Sprintf("open, %s, since %s%s", v.Level, stampText(v.Since), pairsText(v.Params))
		}
		return fmt.Sprintf("closed since %s%s", stampText(v.Closed), pairsText(v.Params))
	case hw.GapValue:
		text := fmt.Sprintf("%s from %s", v.Reason, stampText(v.From))
		if !v.To.IsZero() {
			text += " to " + stampText(v.To)
		}
		if v.Detail != "" {
			text += fmt.Sprintf(": %q", v.Detail)
		}
		return text
	case hw.UnitValue:
		return fmt.Sprintf("serial %q, model %q, version %q, name %q, since %s", v.Serial, v.Model, v.Version, v.Name, stampText(v.Since))
	case hw.ClockValue:
		return fmt.Sprintf("trusted %t, source %s, off by %d ms", v.Trusted, v.Source, v.OffsetMS)
	case hw.ActValue:
		return actText(v)
	case hw.LearnedValue:
		return fmt.Sprintf("%q", v.Value)
	case hw.Opaque:
		return fmt.Sprintf("%d bytes of a later version", len(v.Bytes))
	}
	return "unknown"
}

func actText(v hw.ActValue) string {
	text := fmt.Sprintf("on %t, %s, by %q, since %s", v.On, v.Phase, v.Who, stampText(v.Since))
	if !v.Until.IsZero() {
		text += ", until " + stampText(v.Until)
	}
	if v.Reason != "" || v.Detail != "" {
		text += fmt.Sprintf(", %s: %q", v.Reason, v.Detail)
	}
	return text + pairsText(v.Params)
}

func pairsText(pairs hw.Attrs) string {
	var b strings.Builder
	for _, a := range pairs {
		fmt.Fprintf(&b, ", %s %q", a.Key, a.Value)
	}
	return b.String()
}

func stampText(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format(time.RFC3339)
}
