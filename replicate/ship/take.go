package ship

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rackpost/hw/journal"
)

// The largest that is taken: a batch or a layout, all of a batch with its layouts when nothing else is
// under way, a base.
const (
	maxItem  = 17 << 20
	maxAlone = 64 << 20
	maxBase  = 64 << 20
)

// incoming is what came from the peer and was not dealt with. The session's mu guards it.
type incoming struct {
	item     kind // whose parts come; 0: none
	name     []byte
	total    int
	got      []byte
	layouts  []journal.Layout // of the batch to come
	queue    []arrived
	bytes    int    // of all that is not answered for
	whole    int    // batches of it
	reserved int    // of what is larger than the window
	number   uint64 // of the last batch, from 1
	offer    *digest
	later    *digest // an offer for which it is too early
	wanted   digest  // the base that was asked for; zero: none
	base     []byte
	joining  int // bytes of the base that is given to the store
	bases    int
}

// arrived is a batch as it came.
type arrived struct {
	number  uint64
	raw     []byte
	layouts []journal.Layout
	bytes   int
}

// expects refuses frames in a place where they have no meaning.
func (in *incoming) expects(k kind) error {
	switch k {
	case kindPart:
		if in.item == 0 {
			return broken("a part of nothing")
		}
	case kindLayout, kindBatch, kindBase:
		if in.item != 0 {
			return broken("frame %d within another", k)
		}
	}
	return nil
}

// began takes the first piece of an item. The caller holds mu.
func (s *session) began(k kind, payload []byte) error {
	in := &s.in
	if !s.away.told {
		return broken("frame %d before what is held", k)
	}
	named := map[kind]int{kindLayout: len(journal.LayoutID{}), kindBase: len(journal.ID{}) + len(digest{})}[k]
	if len(payload) < named {
		return broken("cut short")
	}
	total, rest, err := uvarint(payload[named:])
	if err != nil {
		return err
	}
	most := uint64(maxItem)
	if k == kindBase {
		most = maxBase
	}
	if total == 0 || total > most {
		return broken("frame %d announces %d bytes", k, total)
	}
	in.item, in.name, in.total, in.got = k, append([]byte(nil), payload[:named]...), int(total), make([]byte, 0, min(int(total), maxFrame))
	switch {
	case k == kindBase:
		if _, d, _ := parseOffer(in.name); d != in.wanted || d == (digest{}) {
			return broken("a base that nobody asked for")
		}
		if err := s.fits(s.beyond() + int(total)); err != nil {
			return err
		}
	case in.whole > 0 && in.bytes+int(total) > s.opt.Window, in.bytes+int(total) > maxAlone:
		return broken("more than %d bytes unanswered", s.opt.Window)
	default:
		in.bytes += int(total)
		if err := s.fits(max(0, in.bytes-s.opt.Window) + in.joining + len(in.base)); err != nil {
			return err
		}
	}
	return s.goesOn(rest)
}

// beyond returns how much there is beyond the window, as far as it came: what is announced takes no memory. The caller
// holds mu.
func (s *session) beyond() int {
	in := &s.in
	n, bases := in.bytes-s.opt.Window, in.joining+len(in.base)
	switch in.item {
	case kindLayout, kindBatch:
		n -= in.total - len(in.got)
	case kindBase:
		bases += len(in.got)
	}
	return max(0, n) + bases
}

// fits refuses at once what would find no room now for so many bytes beyond the window, and takes none of it: the line
// would carry it for nothing. The caller holds mu.
func (s *session) fits(bytes int) error {
	more := bytes - s.in.reserved
	if s.opt.Room == nil || more <= 0 {
		return nil
	}
	if !s.opt.Room.Take(more) {
		return noRoom(bytes)
	}
	s.opt.Room.Give(more)
	return nil
}

// reserve makes sure of room for what is beyond the window. The caller holds mu.
func (s *session) reserve() error {
	bytes := s.beyond()
	if s.opt.Room == nil || bytes <= s.in.reserved {
		return nil
	}
	if !s.opt.Room.Take(bytes - s.in.reserved) {
		return noRoom(bytes)
	}
	s.in.reserved = bytes
	return nil
}

func noRoom(bytes int) error {
	return fmt.Errorf("there is no memory now for what is larger than the window by %d bytes: send it later", bytes)
}

// unreserve gives that room back when nothing is beyond the window any more. The caller holds mu.
func (s *session) unreserve() {
	if s.in.reserved > 0 && s.beyond() == 0 {
		s.opt.Room.Give(s.in.reserved)
		s.in.reserved = 0
	}
}

// goesOn takes a further piece. The caller holds mu.
func (s *session) goesOn(piece []byte) error {
	in := &s.in
	if len(in.got)+len(piece) > in.total {
		return broken("more bytes than announced")
	}
	in.got = append(in.got, piece...)
	if err := s.reserve(); err != nil {
		return err
	}
	if len(in.got) < in.total {
		return nil
	}
	k, raw := in.item, in.got
	in.item, in.got = 0, nil
	switch k {
	case kindLayout:
		if len(in.layouts) >= journal.MaxLayouts {
			return broken("more than %d layouts for a batch", journal.MaxLayouts)
		}
		in.layouts = append(in.layouts, journal.Layout{ID: journal.LayoutID(in.name), Bytes: raw})
		return nil
	case kindBatch:
		in.number++
		in.whole++
		a := arrived{number: in.number, raw: raw, layouts: in.layouts, bytes: len(raw)}
		for _, l := range in.layouts {
			a.bytes += len(l.Bytes)
		}
		in.queue, in.layouts = append(in.queue, a), nil
		s.count.bytes += uint64(len(raw))
	case kindBase:
		in.base = raw
	}
	poke(s.came)
	return nil
}

// maxBases bounds the bases of one connection.
const maxBases = 64

// offered takes the offer of a base. The caller holds mu.
func (s *session) offered(payload []byte) error {
	site, d, err := parseOffer(payload)
	if err != nil {
		return err
	}
	if site != s.opt.Site {
		return broken("a base of site %s", site)
	}
	if s.in.bases++; s.in.bases > maxBases {
		return broken("more than %d bases", maxBases)
	}
	s.in.offer = &d
	poke(s.came)
	return nil
}

// merge gives what came to the store, and answers when it is durable.
func (s *session) merge(ctx context.Context) error {
	m := &merger{session: s}
	if m.holder, _ = s.store.(Holder); m.holder == nil {
		m.held = s.store.Held()
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.came:
		}
		s.mu.Lock()
		queue, offer, base, d := s.in.queue, s.in.offer, s.in.base, s.in.wanted
		s.in.queue, s.in.offer, s.in.base = nil, nil, nil
		if base != nil {
			s.in.wanted, s.in.joining = digest{}, len(base)
		}
		s.mu.Unlock()
		if base != nil {
			if err := m.join(ctx, base, d); err != nil {
				return err
			}
		}
		if len(queue) > 0 {
			if err := m.take(ctx, queue); err != nil {
				return err
			}
		}
		if offer != nil {
			if err := m.ask(*offer); err != nil {
				return err
			}
		}
	}
}

// merger is what the merging goroutine alone knows.
type merger struct {
	*session
	holder Holder         // nil: held says it
	held   journal.Vector // what the store held at the beginning, and what came
}

// ask asks for the base that was offered, unless its like was taken before, and later where there was another a moment ago.
func (m *merger) ask(d digest) error {
	wait, done := m.opt.Account.mayTake(time.Now(), d)
	if done {
		return nil
	}
	m.mu.Lock()
	busy := m.in.wanted != digest{}
	switch {
	case wait > 0 || busy: // another is on its way, or was a moment ago
		busy, m.in.later = true, &d
	default:
		m.in.wanted = d
	}
	m.mu.Unlock()
	if busy {
		return nil
	}
	if err := m.out.put(true, kindAsk, offerBytes(m.opt.Site, d)); err != nil {
		return fmt.Errorf("write to the peer: %w", err)
	}
	return nil
}

func (m *merger) join(ctx context.Context, raw []byte, d digest) error {
	err := m.store.Join(ctx, raw)
	m.mu.Lock()
	m.in.joining = 0
	m.unreserve()
	m.mu.Unlock()
	switch {
	case err == nil:
		m.opt.Account.took(time.Now(), d, true)
		m.say(m.opt.Logger.Info, "took a base of the peer: it dropped facts that were not here", "bytes", len(raw))
		return nil
	case isFault(err):
		m.opt.Account.took(time.Now(), d, false)
		m.say(m.opt.Logger.Error, "a base of the peer cannot be taken", "err", err)
		return nil
	}
	return fmt.Errorf("take a base: %w", err)
}

// isFault says whether what was given to the store is at fault, and not the store.
func isFault(err error) bool {
	return errors.Is(err, ErrRefused) || errors.Is(err, journal.ErrCorrupt) || errors.Is(err, journal.ErrNewer) || errors.Is(err, journal.ErrNoLayout) || errors.Is(err, journal.ErrOtherSite) || errors.Is(err, journal.ErrTooMuch)
}

// take merges what came, refuses what cannot be taken, and answers for all of it.
func (m *merger) take(ctx context.Context, queue []arrived) error {
	batches := make([]journal.Batch, 0, len(queue))
	numbers := make([]uint64, 0, len(queue))
	for _, a := range queue {
		b, err := journal.ParseBatch(a.raw)
		if err == nil && b.Site != m.opt.Site {
			err = fmt.Errorf("%w: it is of site %s, here is %s", journal.ErrOtherSite, b.Site, m.opt.Site)
		}
		if err != nil {
			if err := m.refuse(a.number, a.raw, err); err != nil {
				return err
			}
			continue
		}
		b.Layouts = a.layouts
		batches, numbers = append(batches, b), append(numbers, a.number)
	}
	theirs, err := m.theirs(batches)
	if err != nil {
		return err
	}
	before, repeated := m.store.Conflicts(), m.repeated(batches)
	taken, err := m.mergeAll(ctx, batches, numbers)
	if err != nil {
		return err
	}
	if m.opt.Down { // what is not taken need not be remembered, and may be invented
		m.Line.known.forget(theirs.Minus(taken))
	}
	m.mu.Lock()
	m.count.repeated += repeated
	m.mu.Unlock()
	if n := m.store.Conflicts() - before; n > 0 {
		m.mu.Lock()
		m.count.conflicts += n
		m.mu.Unlock()
		if err := m.out.put(false, kindNote, []byte(short(fmt.Sprintf("%d batches among %v", n, keysOf(batches))))); err != nil {
			return fmt.Errorf("write to the peer: %w", err)
		}
	}
	return m.answer(queue, taken)
}

// repeated counts the batches that are held before they are taken.
func (m *merger) repeated(batches []journal.Batch) (n uint64) {
	for i := range batches {
		b := &batches[i]
		if m.holder != nil && m.holder.Holds(b.Key) || m.held.Has(b.StreamKey, b.Seq) {
			n++
		}
	}
	return n
}

func keysOf(batches []journal.Batch) (keys []string) {
	for i := range batches {
		if keys = append(keys, batches[i].Key.String()); len(keys) == 4 {
			break
		}
	}
	return keys
}

// theirs notes that the peer has what it sends, and returns that: it need not be sent back.
func (m *merger) theirs(batches []journal.Batch) (journal.Vector, error) {
	v := journal.Vector{}
	for i := range batches {
		v.Add(batches[i].StreamKey, batches[i].Seq, batches[i].Seq)
	}
	v = m.sendable(v)
	return v, m.Line.known.has(m.session, v)
}

// mergeAll merges batches together, or one by one when the store refuses one of them. It returns what is held
// then.
func (m *merger) mergeAll(ctx context.Context, batches []journal.Batch, numbers []uint64) (journal.Vector, error) {
	taken := journal.Vector{}
	if len(batches) == 0 {
		return taken, nil
	}
	err := m.store.Merge(ctx, batches)
	if err == nil {
		for i := range batches {
			m.took(&batches[i], taken)
		}
		return taken, nil
	}
	if !isFault(err) {
		return nil, fmt.Errorf("take batches: %w", err)
	}
	brought := map[journal.LayoutID]journal.Layout{}
	for i := range batches {
		for _, l := range batches[i].Layouts {
			brought[l.ID] = l
		}
	}
	for i := range batches {
		b := &batches[i]
		b.Layouts = nil
		for _, id := range b.Uses {
			if l, ok := brought[id]; ok {
				b.Layouts = append(b.Layouts, l)
			}
		}
		err := m.store.Merge(ctx, batches[i:i+1])
		switch {
		case err == nil:
			m.took(b, taken)
		case !isFault(err):
			return nil, fmt.Errorf("take batch %s: %w", b.Key, err)
		default:
			if err := m.refuse(numbers[i], b.Bytes, err); err != nil {
				return nil, err
			}
		}
	}
	return taken, nil
}

// took counts a batch that is durable.
func (m *merger) took(b *journal.Batch, taken journal.Vector) {
	taken.Add(b.StreamKey, b.Seq, b.Seq)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count.received++
	m.losses.came(b.Key)
	if m.holder == nil {
		m.held.Add(b.StreamKey, b.Seq, b.Seq)
	}
}

// refuse tells the peer why a batch is not taken.
func (m *merger) refuse(number uint64, raw []byte, why error) error {
	name := journal.NameOf(raw)
	m.say(m.opt.Logger.Warn, "a batch of the peer is refused", "number", number, "batch", name.String(), "err", why)
	if m.opt.Quarantine != nil && errors.Is(why, journal.ErrCorrupt) {
		m.opt.Quarantine(m.opt.Site, name, raw, why)
	}
	m.mu.Lock()
	m.count.refused++
	m.mu.Unlock()
	if m.opt.Refused != nil {
		m.opt.Refused(why)
	}
	if !m.opt.Account.refuse(time.Now()) {
		return fmt.Errorf("more than %d batches could not be taken within an hour, the last: %w", maxRefused, why)
	}
	if err := m.out.put(false, kindRefuse, refuseBytes(number, why.Error())); err != nil {
		return fmt.Errorf("write to the peer: %w", err)
	}
	return nil
}

// answer says that queue was dealt with, and what of it is held.
func (m *merger) answer(queue []arrived, taken journal.Vector) error {
	m.mu.Lock()
	for _, a := range queue {
		m.in.bytes -= a.bytes
	}
	m.in.whole -= len(queue)
	m.unreserve()
	m.mu.Unlock()
	// The answer goes up to the end only when all of what is held was said.
	parts := vectorParts(taken)
	through := queue[len(queue)-1].number
	for i, part := range parts {
		n := uint64(0)
		if i == len(parts)-1 {
			n = through
		}
		if err := m.out.put(true, kindAnswer, answerBytes(n, part)); err != nil {
			return fmt.Errorf("write to the peer: %w", err)
		}
	}
	return nil
}
