package discovery

import (
	"slices"

	"rackpost/collectors"
	"rackpost/hw"
)

// question is what is asked of a place: which kind asks, with which login.
type question struct{ kind, login int }

// dialogue is what is still to be asked of one place, and what was learned. Pure.
type dialogue struct {
	questions []question
	once      func(question) bool // silence to it is not asked again
	repeated  bool                // the first question was asked before
	protocol  func(question) string
	result    Result
}

// answered takes the outcome of the first question and reports whether another follows.
// Questions are left over only when we were stopped.
func (d *dialogue) answered(a collectors.Answer, login, detail string, reason hw.Reason) (again bool) {
	q := d.questions[0]
	switch reason {
	case "":
		if d.result.Reason != "" || d.result.Answer.Kind == "" && a.Kind != "" {
			d.result = Result{Answer: a, Login: login}
		}
		if a.Kind != "" {
			d.questions = nil
			return false
		}
		d.repeated = false
		d.drop(q) // what is of no kind in one protocol may be of one in another
		return len(d.questions) > 0
	case hw.Cancelled, hw.OutOfTime:
		return false
	}
	if d.result.Reason != "" && weight(reason) >= weight(d.result.Reason) {
		d.result = Result{Reason: reason, Login: login, Detail: detail}
	}
	switch {
	case reason == hw.NoAnswer && !d.repeated && !d.once(q):
		d.repeated = true
		return true
	case reason == hw.Refused || reason == hw.Unreachable: // other credentials change nothing
		d.drop(q)
	default:
		d.questions = d.questions[1:]
	}
	d.repeated = false
	return len(d.questions) > 0
}

// drop leaves out all further questions of the protocol of q.
func (d *dialogue) drop(q question) {
	d.questions = slices.DeleteFunc(d.questions, func(other question) bool { return d.protocol(other) == d.protocol(q) })
}

// Heard reports whether a reason means that something speaks the protocol there.
func Heard(r hw.Reason) bool { return weight(r) > weight(hw.Refused) }

// weight orders reasons by how much they tell of what stands there.
func weight(r hw.Reason) int {
	switch r {
	case "", hw.Cancelled:
		return 0
	case hw.NoAnswer:
		return 1
	case hw.Unreachable:
		return 2
	case hw.Refused:
		return 3
	case hw.Garbage:
		return 4
	}
	return 5
}
