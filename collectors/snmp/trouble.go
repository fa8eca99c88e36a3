package snmp

// patience is how many tries in a row may stay without a good answer: three to columns in
// company, one to each of two of them alone, and one to ask whether the device is there.
const patience = 6

// trouble counts the tries since the last good answer, so that a device that is silent or
// answers garbage costs a visit seconds, not a time-out for every table. Pure.
type trouble struct {
	bad  int
	last *failure
}

// failed notes a try that got no good answer.
func (t *trouble) failed(f *failure) { t.bad, t.last = t.bad+1, f }

// fine notes a good answer.
func (t *trouble) fine() { *t = trouble{} }

// over returns the failure that ended the device's visit, or nil.
func (t *trouble) over() *failure {
	if t.bad < patience {
		return nil
	}
	return &failure{reason: t.last.reason, err: t.last.err, late: t.last.late, over: true}
}
