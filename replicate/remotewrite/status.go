package remotewrite

import (
	"time"
)

// Reason says why samples were not written.
type Reason string

// The reasons.
const (
	TooOld       Reason = "too-old"       // the receiver takes nothing so old
	OutOfOrder   Reason = "out-of-order"  // it has newer ones of the series, and takes nothing before them
	Rejected     Reason = "rejected"      // for another reason, which its words tell
	Failing      Reason = "failing"       // it fails at them again and again, and takes others
	BeyondWindow Reason = "beyond-window" // older than the window of the configuration: they were not sent
	Future       Reason = "future"        // read by a clock that was far ahead: they were not sent
	Trimmed      Reason = "trimmed"       // the journal had dropped them before they could be written
)

// Refused are samples that are a gap at the receiver.
type Refused struct {
	Reason  Reason
	Samples uint64    // 0 of Trimmed: how many they were is not known
	First   time.Time // the oldest of them; zero: not known
	Last    time.Time // the newest
	At      time.Time // when that was last found
	Words   string    // of the receiver
}

// LaneStatus is how far a lane is.
type LaneStatus struct {
	Reached time.Time // when it last had written all that is for it; zero: not since the start
	Oldest  time.Time // when what it is writing was written into the journal; zero: there is nothing to write
	Samples uint64    // written since the start
}

// Status is how a Sender is.
type Status struct {
	URL      string
	Protocol Protocol // that is spoken
	Fallback string   // why not the one that was asked for; empty: it is
	Accepted time.Time
	Samples  uint64 // written since the start, markers among them
	Bytes    uint64 // sent since the start, as they were packed
	Requests uint64
	Ended    uint64 // markers of series that have ended
	Unread   uint64 // visits that could not be read
	Live     LaneStatus
	Behind   LaneStatus
	Held     string        // why nothing is sent now, with what to do; empty: it is
	Failure  string        // the last try failed so; empty: it did not
	Since    time.Time     // since when there is a Failure or a Held
	Offset   time.Duration // of the receiver's clock ahead of ours
	Clock    bool          // Offset is known
	Refused  []Refused     // since the first start, in order of reason
	Waiting  int           // batches of islands that wait until it can be told which of their readings count
}

// Lost says how many samples the receiver will not have.
func (s Status) Lost() (n uint64) {
	for _, r := range s.Refused {
		n += r.Samples
	}
	return n
}

// note changes the status.
func (s *Sender) note(fn func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(&s.status)
}

// refuse counts samples that the receiver will not have. firstMS is 0 where it is not known since when.
func (s *Sender) refuse(reason Reason, samples int, firstMS, lastMS int64, words string) {
	at := s.cfg.Now()
	x := Refused{Reason: reason, Samples: uint64(samples), Last: time.UnixMilli(lastMS).UTC(), At: at, Words: words}
	if firstMS != 0 {
		x.First = time.UnixMilli(firstMS).UTC()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Refused = addRefused(s.status.Refused, x)
	s.moved = true
	if last, told := s.toldRefused[reason]; !told || at.Sub(last) >= tellRefused {
		s.toldRefused[reason] = at
		s.cfg.Logger.Warn("samples are missing at the receiver of remote write", "url", s.url, "why", string(reason), "samples", samples,
			"first", x.First, "last", x.Last, "receiver", words)
	}
}

// tellRefused is how often refusals of one reason are told of.
const tellRefused = time.Minute

func addRefused(all []Refused, x Refused) []Refused {
	for i := range all {
		r := &all[i]
		if r.Reason != x.Reason {
			continue
		}
		r.Samples += x.Samples
		if r.First.IsZero() || !x.First.IsZero() && x.First.Before(r.First) {
			r.First = x.First
		}
		if x.Last.After(r.Last) {
			r.Last = x.Last
		}
		if r.At = x.At; x.Words != "" {
			r.Words = x.Words
		}
		return all
	}
	return append(all, x)
}

// Status returns how the Sender is.
func (s *Sender) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.status
	out.Refused = append([]Refused(nil), s.status.Refused...)
	out.Waiting = int(s.islands.all().Count())
	return out
}
