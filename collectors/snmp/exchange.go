package snmp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
	"rackpost/hw"
)

const (
	defaultTimeout = 1500 * time.Millisecond // of the first two tries; the last has twice as long
	tries          = 3
	maxOIDs        = 60 // in one request: gosnmp's own default limit
)

// query is one GETBULK: head are scalars asked once, oids are repeated.
type query struct {
	head  []string
	oids  []string
	most  int // repetitions; 0: as many as the pace allows
	tries int
}

// answer is a checked answer to the head and the first cols oids of a query: at most what
// was asked, of any content.
type answer struct {
	vars   []gosnmp.SnmpPDU // head first, then row by row
	cols   int
	status gosnmp.SNMPError
	index  int // of the OID asked that status is about, from 1; 0 is none
	at     time.Time
}

// failure says why a request got no usable answer.
type failure struct {
	reason hw.Reason
	err    error
	silent bool // nothing came that could be an answer
	late   bool // answers came, each after its request had been given up
	over   bool // the device is given up for this visit: nothing was sent
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// again reports whether another try can help.
func (f *failure) again() bool {
	switch f.reason {
	case hw.NoAnswer, hw.Refused, hw.Unreachable, hw.Garbage:
		return true
	}
	return false
}

// bulk asks q until there is an answer or the tries are used up. It may ask less than q;
// the answer then looks like one that the agent cut.
func (s *Session) bulk(ctx context.Context, q query) (answer, *failure) {
	for {
		var cols, asked, try int
		p, f := s.persist(ctx, q.tries, func(x *gosnmp.GoSNMP, n int) (*gosnmp.SnmpPacket, error) {
			try = n
			var reps int
			cols, reps = s.pace.plan(min(len(q.oids), maxOIDs-len(q.head)), q.most, try)
			asked = cols * reps
			return x.GetBulk(s.request(q.head, q.oids[:cols]), uint8(len(q.head)), uint32(reps))
		})
		if f != nil {
			return answer{}, f
		}
		got := len(p.Variables) - len(q.head)
		if p.Error == gosnmp.TooBig || p.Error == gosnmp.NoError && got <= 0 {
			if asked == 1 {
				s.pace.tooBig(2 * startSize) // one odd object must not slow the others
				return answer{}, &failure{reason: hw.DeviceError, err: errors.New("the device has no room for one object in an answer")}
			}
			s.pace.tooBig(asked)
			continue
		}
		if p.Error == gosnmp.NoError && got > asked {
			f := &failure{reason: hw.Garbage, err: fmt.Errorf("asked for %d objects, got %d", asked, got)}
			s.trouble.failed(f)
			return answer{}, f
		}
		if p.Error == gosnmp.NoError {
			s.pace.answered(try, asked, got, s.guard.received)
		}
		return answer{p.Variables, cols, p.Error, int(p.ErrorIndex), time.Now()}, nil
	}
}

// request joins head and oids in memory that is used again.
func (s *Session) request(head, oids []string) []string {
	s.oids = append(append(s.oids[:0], head...), oids...)
	return s.oids
}

// persist sends until there is an answer, with more time for the last try; a refusal, which
// comes at once, is waited out.
func (s *Session) persist(ctx context.Context, tries int, send func(*gosnmp.GoSNMP, int) (*gosnmp.SnmpPacket, error)) (*gosnmp.SnmpPacket, *failure) {
	var f *failure
	var asked int
	var waited time.Duration
	s.guard.forget()
	for try := range tries {
		if over := s.trouble.over(); over != nil {
			return nil, over
		}
		timeout := s.target.Timeout << max(0, try-1)
		if try > 0 && !f.silent {
			if !pause(ctx, timeout/8) {
				return nil, ended(ctx)
			}
		}
		var p *gosnmp.SnmpPacket
		p, f = s.once(ctx, timeout, func(x *gosnmp.GoSNMP) (*gosnmp.SnmpPacket, error) { return send(x, try) })
		if f == nil {
			s.proven = true
			return p, nil
		}
		if f.silent {
			s.pace.timeouts++
			asked, waited = asked+1, waited+timeout
		}
		if !f.again() {
			break
		}
		s.trouble.failed(f)
	}
	if f.reason == hw.NoAnswer {
		f.unanswered(asked, waited, s.guard.late)
	}
	f = s.diagnose(ctx, f)
	s.drop()
	return nil, f
}

// unanswered puts into words what asked requests met in the time waited.
func (f *failure) unanswered(asked int, waited time.Duration, late int) {
	f.late = late > 0
	what := fmt.Sprintf("no answer within %v", waited)
	if asked > 1 {
		what = fmt.Sprintf("no answer to %d requests within %v", asked, waited)
	}
	if f.late {
		what = fmt.Sprintf("no answer in time to %d requests within %v, %d too late", asked, waited, late)
	}
	f.err = errors.New(what)
}

// once sends one request. A v3 engine that was replaced is discovered anew, once.
func (s *Session) once(ctx context.Context, timeout time.Duration, send func(*gosnmp.GoSNMP) (*gosnmp.SnmpPacket, error)) (*gosnmp.SnmpPacket, *failure) {
	for {
		if err := s.open(ctx); err != nil {
			return nil, s.classify(ctx, err)
		}
		p, err := s.send(timeout, send)
		if err == nil && p.PDUType == gosnmp.GetResponse {
			return p, nil
		}
		if err == nil {
			err = fmt.Errorf("got a %v instead of an answer", p.PDUType)
		}
		f := s.classify(ctx, err)
		if !isAuth(f.reason) || !s.proven {
			return nil, f
		}
		s.drop()
	}
}

// classify finds the reason for err. What the guard saw counts more than gosnmp's text.
func (s *Session) classify(ctx context.Context, err error) *failure {
	g, v3 := &s.guard, s.target.Credentials.V3 != nil
	cause := g.failure
	if cause == nil {
		cause = err
	}
	switch unknown := s.noContext(err); {
	case ctx.Err() != nil || over(ctx):
		return ended(ctx)
	case unknown != nil:
		return unknown
	case v3 && g.report != 0:
		return &failure{reason: reportReason(g.report), err: fmt.Errorf("the device reports %s", reportName(g.report))}
	case errors.Is(cause, os.ErrDeadlineExceeded) && g.noise > 0:
		return &failure{reason: hw.Garbage, err: fmt.Errorf("%d messages came, none an answer", g.noise), silent: true}
	case errors.Is(cause, os.ErrDeadlineExceeded):
		return &failure{reason: hw.NoAnswer, err: fmt.Errorf("no answer within %v", s.client.Timeout), silent: true}
	case errors.Is(cause, syscall.ECONNREFUSED):
		return &failure{reason: hw.Refused, err: errors.New("UDP port closed")}
	case g.received > 0 && v3 && notAuthentic(err):
		return &failure{reason: hw.AuthFailed, err: errors.New("the answer is not authentic")}
	case g.received > 0:
		return &failure{reason: hw.Garbage, err: fmt.Errorf("the answer cannot be decoded: %.120s", err.Error())}
	}
	return &failure{reason: hw.Unreachable, err: cause}
}

// over reports whether ctx's deadline has passed; ctx itself may learn it a moment later.
func over(ctx context.Context) bool {
	d, ok := ctx.Deadline()
	return ok && !time.Now().Before(d)
}

func ended(ctx context.Context) *failure {
	err := ctx.Err()
	if err == nil {
		err = context.DeadlineExceeded
	}
	return &failure{reason: collectors.ReasonOf(err), err: err}
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
