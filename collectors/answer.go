package collectors

import "context"

// Asker puts one question to whatever stands at the target and sends it once: asking again
// is the caller's matter. Only a device that answers is asked for more, in at most two
// requests. The error is a *VisitError: NoAnswer and Refused say that nothing spoke the
// protocol, AuthFailed and its like that something did and refused the credentials. With
// an error, only Requests counts.
type Asker func(ctx context.Context, t Target) (Answer, error)

// Answer is what a device says of itself. Every text may be empty.
type Answer struct {
	Kind     string // the name of the kind that speaks to it; empty: none of ours, or it does not say
	Name     string // what it calls itself: sysName
	Model    string
	Serial   string // of the chassis; of a stack, that of its first member
	Descr    string // what it says it is, one line: sysDescr
	Pair     bool   // it is one unit of a failover pair that is on
	Standby  bool   // the one that is not active: the pair is visited by the other's address
	Requests int    // sent
	ObjectID string // sysObjectID, of an SNMP agent that is of no kind of its protocol
}
