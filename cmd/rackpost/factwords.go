package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rackpost/web"
)

// factTeller tells facts in words, each by what it changes of the one before it.
type factTeller struct {
	former map[string]map[string]string // by register: the words of its last fact
}

// tell returns what a fact says: all of it when the register is new here, else what changed.
func (t *factTeller) tell(f web.Fact) string {
	register := f.Kind + "\x00" + f.Component + "\x00" + f.Group
	if t.former == nil {
		t.former = map[string]map[string]string{}
	}
	was, known := t.former[register]
	if f.Removed {
		delete(t.former, register)
		return "gone"
	}
	now := map[string]string{}
	flatten(now, f.Value)
	t.former[register] = now
	if f.Says != "" {
		return f.Says
	}
	if !known {
		return allWords(now)
	}
	return changedWords(was, now)
}

// flatten makes one list of words of a value; state and attributes have no key of the same name.
func flatten(into map[string]string, value map[string]any) {
	for key, v := range value {
		switch v := v.(type) {
		case map[string]any:
			flatten(into, v)
		case nil:
		case float64:
			into[key] = strconv.FormatFloat(v, 'f', -1, 64)
		default:
			into[key] = fmt.Sprint(v)
		}
	}
}

func allWords(now map[string]string) string {
	var words []string
	if h := now["health"]; h != "" {
		words = append(words, h)
	}
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if key != "health" && now[key] != "" {
			words = append(words, key+"="+quoted(now[key]))
		}
	}
	return strings.Join(words, " ")
}

func changedWords(was, now map[string]string) string {
	var words []string
	keys := maps.Clone(now)
	maps.Copy(keys, was)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if was[key] != now[key] {
			words = append(words, key+": "+orNone(was[key])+" -> "+orNone(now[key]))
		}
	}
	if len(words) == 0 {
		return "the same again"
	}
	return strings.Join(words, ", ")
}

func orNone(s string) string {
	switch s {
	case "":
		return "none"
	case "none": // a word of the device
		return `"none"`
	}
	return quoted(s)
}
