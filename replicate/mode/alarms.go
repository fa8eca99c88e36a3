package mode

import "time"

// away is for how long the other box may be silent before a person is told.
const away = 24 * time.Hour

func (s *State) alarms(v view) []Alarm {
	var list []Alarm
	raise := func(when bool, code, text string) {
		if when {
			list = append(list, Alarm{Code: code, Text: text})
		}
	}
	raise(s.Mode == Island, "no_authority", "This box is on its own: "+s.Why+".")
	raise(v.removed, "removed", "This machine does nothing: "+removedWords(v.Struck.By)+".")
	raise(v.rival, "two_takeovers", `Both boxes were taken over while they could not hear each other. Nothing is changed and no device commanded until you pick one: "rackpost pair takeover" there.`)
	raise(v.higher && len(v.callers) == 0 && !v.Empty, "overtaken", "Another box was taken over while this one was away, and is not heard. This box has no authority until then.")
	raise(v.Outdated, "old_image", "This box forgot what it had acknowledged: its disk was put back from an old image.")
	raise(s.slow, "disk_slow", "A write to the log of the pair took longer than "+v.t.DiskSlow.String()+": this box is cut off until its disk keeps up.")
	raise(v.Self.Full, "disk_full", "The disk of this box is full: it keeps nothing more, neither what it reads nor what the other box sends. Make room on it, or give the journal less in box.yaml.")
	raise(v.Stuck != "", "update", "This box cannot follow what the pair agreed on, and works with what it understood last: "+v.Stuck+".")
	raise(v.Self.Isolated, "isolated", "This box has no link, or its gateway is silent and hardly a device answers.")
	for _, m := range v.Members {
		r := s.of(m, v.t)
		raise(m.Agreed && r.here && m.Full, "peer_full", "The disk of the other box is full: there is one copy of everything since.")
		switch {
		case !m.Agreed || r.here:
		case m.Role == Witness:
			raise(v.Now-r.since > v.t.Witness, "witness_away", "The witness is not heard: if the leading box fails now, the other has no authority.")
		default:
			raise(v.Now-r.since > away, "peer_away", "The other box has not been heard for more than a day: there is one copy of everything since.")
		}
	}
	return list
}
