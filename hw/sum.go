package hw

// A component with this attribute has the health of its parts: what a device rolls up. It
// raises an alert only where no part is known that is as ill when it is read for the second time, so
// that one fault is one alert: it may be read before the parts are.
const (
	AttrHealthOf = "health_of"
	HealthOfAll  = "parts"
)

// explained is the reason a sum's alert is closed with when a part says the same.
const explained = "explained"

// sum says that the health of j is that of its device's parts.
func (j judged) sum() bool { return j.value.Attrs.Get(AttrHealthOf) == HealthOfAll }

// sums judges the healths that devices roll up, when all else was judged.
func (v *visit) sums() {
	for _, j := range v.judged {
		switch {
		case !j.sum() || j.gone || j.value.Flaps > 0:
		case j.level() > 0 && v.partAsIll(j):
			v.settle(j.key.Component, AlertHealth, explained)
		case j.level() > 0 && !v.wasIll(j):
		default:
			v.health(j)
		}
	}
}

// wasIll says that j was ill before this visit, or has an alert.
func (v *visit) wasIll(j judged) bool {
	before, _ := v.s.Get(j.key)
	x, _ := before.Value.(ComponentValue)
	_, open := v.alert(j.key.Component, AlertHealth)
	return open || judged{value: x}.level() > 0
}

// partAsIll says that a part of the device is known, after this visit, to be at least as ill
// as the sum j.
func (v *visit) partAsIll(j judged) bool {
	ill := func(f Fact) bool {
		x, isPart := f.Value.(ComponentValue)
		if !isPart || f.Component == j.key.Component || (judged{value: x}).sum() {
			return false
		}
		return x.Missing || x.Health >= j.value.Health
	}
	for f := range v.s.of(ComponentFact) {
		if now, ok := v.register(f.Register()); ok && ill(now) {
			return true
		}
	}
	for _, f := range v.facts {
		if f.Kind == ComponentFact && !f.Removed && ill(f) {
			return true
		}
	}
	return false
}
