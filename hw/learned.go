package hw

// learned takes the texts the report says are learned: all of them, at every visit. A report
// with none, nil, says nothing of them; an empty one says that nothing is learned any more. Texts
// that cannot be kept whole, or are not in order, say nothing either: half a pin is none.
func (v *visit) learned() {
	now := v.r.Learned
	if now == nil || len(now) > MaxLearned || !now.isClean() {
		return
	}
	for _, a := range now {
		f, _ := v.s.Get(RegisterKey{LearnedFact, "", a.Key})
		if f.Value != (LearnedValue{a.Value}) {
			v.put(LearnedFact, "", a.Key, LearnedValue{a.Value})
		}
	}
	for f := range v.s.of(LearnedFact) {
		if f.Component == "" && now.Get(f.Group) == "" {
			v.put(LearnedFact, "", f.Group, nil)
		}
	}
}

// Learned returns what is learned of the device, in order of key.
func (s State) Learned() Attrs {
	var out Attrs
	for f := range s.of(LearnedFact) {
		if x, ok := f.Value.(LearnedValue); ok && f.Component == "" {
			out = append(out, Attr{f.Group, x.Value})
		}
	}
	return out
}
