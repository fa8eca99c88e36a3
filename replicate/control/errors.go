package control

import (
	"errors"
	"fmt"
	"time"

	"rackpost/replicate/mode"
)

// Errors of Apply and Restore, besides ConflictError and ErrMalformed.
var (
	// ErrNewer says that a command or a state is of a newer version. To pass over it would make this member another one
	// than the others: it stops until it is updated.
	ErrNewer = errors.New("written by a newer version of rackpost: update this member")
	// ErrRefused says that a command may not do what it wants; the words with it say why and what to do.
	ErrRefused = errors.New("refused")
	// ErrApplied says that the Raft entry was applied already.
	ErrApplied = errors.New("the entry was applied already")
)

// ConflictError says that somebody else changed a document first.
type ConflictError struct {
	Name     string
	Expected uint64   // the version it was thought to have; 0 means none
	Current  Document // without its content; of version 0 where there is none
}

// Error implements error.
func (e *ConflictError) Error() string {
	switch {
	case e.Current.Version == 0:
		return fmt.Sprintf("%s has no version %d: it does not exist (any more)", e.Name, e.Expected)
	case e.Expected == 0:
		return fmt.Sprintf("%s exists already: %s; look at it and say which version you change", e.Name, describe(e.Current))
	}
	return fmt.Sprintf("%s is no longer what you changed, version %d: %s; look at that and change it instead", e.Name, e.Expected, describe(e.Current))
}

// describe tells who made a version, when and why.
func describe(d Document) string {
	s := fmt.Sprintf("version %d is by %s, %s", d.Version, d.Who, moment(d.At))
	if d.Why != "" {
		s += fmt.Sprintf(" (%s)", d.Why)
	}
	return s
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}

// name returns what people call a member.
func (s State) name(id mode.NodeID) string {
	if m, ok := s.Member(id); ok {
		return m.Name
	}
	return "member " + id.Short()
}
