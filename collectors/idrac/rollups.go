package idrac

import "slices"

// rollups are the words of a heartbeat that tell of other sections, by what they are of; that of "" is the health of all.
type rollups map[string]string

// rolled are the sections each of the heartbeat's words rolls up.
func rolled() map[string][]string {
	environment := []string{sectionEnvironment}
	return map[string][]string{
		"storage": {sectionRAID}, "power_units": environment, "power_supplies": environment, "voltages": environment, "currents": environment, "cooling_units": environment,
		"fans": environment, "temperatures": environment, "intrusion": environment, "batteries": {sectionEnvironment, sectionRAID},
		"memory": {sectionInventory}, "processors": {sectionInventory}, "entries": {sectionLog}, "sel": {sectionLog},
		"power": {sectionEnvironment, sectionInventory},
		"":      {sectionRAID, sectionEnvironment, sectionLog}, // the health of all
	}
}

// moved returns the sections, in order and once each, of which a word is another one now, and what is to be remembered:
// a word that is not told stays what it was.
func (was rollups) moved(now rollups) (sections []string, next rollups) {
	next = rollups{}
	for word, list := range rolled() {
		before, is := was[word], now[word]
		if is == "" {
			is = before
		}
		if is != "" {
			next[word] = is
		}
		if before != "" && is != before {
			sections = append(sections, list...)
		}
	}
	slices.Sort(sections)
	return slices.Compact(sections), next
}
