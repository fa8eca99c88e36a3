package link

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"time"
)

const (
	questions = 3                      // asked before an address is taken
	patience  = 400 * time.Millisecond // after each of them, and up to half as much more, so that two who ask at once differ

	retry = 5 * time.Second        // when there is no interface to hold it on
	again = 30 * time.Second       // when another machine has it
	look  = time.Second            // how often one that gave way looks whether it still has to
	calm  = 200 * time.Millisecond // after a change, however many follow
)

// What a box without authority stands back for.
var (
	errGaveWay = errors.New("another machine has it")
	errAsked   = errors.New("another machine is about to take it")
)

// Hold takes the address, announces it, keeps it until ctx ends, and removes it before it returns. What stands in its way
// and can pass (no interface, a link that is down, another machine that has the address while this box must give way) is
// told in Status and tried again. It fails only where the kernel does not allow it: see ErrCapability.
func (a *Address) Hold(ctx context.Context) error {
	defer a.setStatus(false, "", "")
	for ctx.Err() == nil {
		changed := a.cfg.Monitor.Watch()
		err := a.holdOn(ctx)
		if errors.Is(err, ErrCapability) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			a.setStatus(false, "", err.Error())
			a.pause(ctx, changed, err)
		}
	}
	return nil
}

// pause waits until it makes sense to try again.
func (a *Address) pause(ctx context.Context, changed <-chan struct{}, why error) {
	switch {
	case errors.Is(why, errGaveWay):
		a.standBack(ctx, again)
	case errors.Is(why, errAsked):
		a.standBack(ctx, rand.N(retry))
	default:
		select {
		case <-ctx.Done():
		case <-changed:
			wait(ctx, calm)
		case <-time.After(retry):
		}
	}
}

// standBack waits so long, unless this box need not give way any more.
func (a *Address) standBack(ctx context.Context, long time.Duration) {
	for end := time.Now().Add(long); ctx.Err() == nil && time.Now().Before(end) && a.cfg.GiveWay(); {
		wait(ctx, look)
	}
}

func wait(ctx context.Context, long time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(long):
	}
}

// holdOn holds the address on the interface that is right at the moment. It returns nil when ctx ends or it is to begin
// anew, as when another interface became the right one.
func (a *Address) holdOn(ctx context.Context) error {
	l, err := a.on(0)
	if err != nil {
		return err
	}
	s, err := listen(l, a.cfg.Address)
	if err != nil {
		return err
	}
	defer s.close()
	givesWay := a.cfg.GiveWay()
	if givesWay {
		if err := a.ask(ctx, l, s); err != nil {
			return err
		}
	}
	if err := a.cfg.Verify(ctx); err != nil {
		return fmt.Errorf("this box may not hold it: %w", err)
	}
	changed := a.cfg.Monitor.Watch() // before the address is put, so that its coming is no change unseen
	if err := a.put(l); err != nil {
		return err
	}
	h := &holding{Address: a, link: l, socket: s, givesWay: givesWay, renewed: time.Now(), ears: hear(s)}
	err = h.keep(ctx, changed)
	err = errors.Join(err, a.remove(l.Index))
	s.close()
	h.ears.join()
	return err
}

// ask fails when anybody has the address or is about to take it, or when nobody could be heard.
func (a *Address) ask(ctx context.Context, l Link, s *socket) error {
	if !l.Carrier {
		return fmt.Errorf("the link of %s is down, so nobody can be asked whether it is free", l.Name)
	}
	defer context.AfterFunc(ctx, s.close)()
	for range questions {
		if err := s.send(question(s.mac, s.ip)); err != nil {
			return err
		}
		mac, says, err := s.next(time.Now().Add(patience + rand.N(patience/2)))
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			return err
		case says == claims:
			return fmt.Errorf("%w: %s answered on %s", errGaveWay, mac, l.Name)
		default:
			return fmt.Errorf("%w: %s asked for it on %s", errAsked, mac, l.Name)
		}
	}
	return nil
}

// ears hear who else claims an address.
type ears struct {
	claimed chan net.HardwareAddr // closed when nothing more can be heard, with err saying why
	err     error
}

func hear(s *socket) *ears {
	e := &ears{claimed: make(chan net.HardwareAddr, 1)}
	go func() {
		defer close(e.claimed)
		for {
			mac, says, err := s.next(time.Time{})
			if err != nil {
				e.err = err
				return
			}
			if says != claims {
				continue // who asks is answered by the kernel
			}
			select {
			case e.claimed <- mac:
			default: // one is waiting to be seen
			}
		}
	}()
	return e
}

// join waits for the end of a listener whose socket was closed.
func (e *ears) join() {
	for range e.claimed {
	}
}
