package intake

import (
	"errors"
	"sync"
	"time"

	"rackpost/replicate/ship"
)

// mostLarge is the largest that a line takes: a base, or a batch with all its layouts.
const mostLarge = 64 << 20

// roomTime is how long a lane may have of the room while others find none.
const roomTime = time.Minute

// errRoom ends a connection that has had of the room for too long.
var errRoom = errors.New("others need the memory that this connection has had for a minute for what is larger than its window: send that later")

// room is what all lanes share for batches and bases that are larger than their window. A site may have a fifth of it, one site
// at a time more. Who finds less than that fifth makes whoever has had the most of it for longer than roomTime give it back.
type room struct {
	total, each int

	mu      sync.Mutex
	taken   int
	big     *share // the site that has more than each
	holders map[*holder]struct{}
	wanted  bool // somebody found none that it may have
}

// share is what one site has of a room.
type share struct{ taken int }

// holder is what one lane has of it. It is a ship.Room.
type holder struct {
	room  *room
	site  *site
	share *share
	taken int
	since time.Time
}

var _ ship.Room = (*holder)(nil)

func newRoom(total int) *room {
	return &room{total: total, each: total / 5, holders: map[*holder]struct{}{}}
}

// Take takes so many bytes, if the site may have them and there are.
func (h *holder) Take(bytes int) bool {
	r := h.room
	r.mu.Lock()
	defer r.mu.Unlock()
	after := h.share.taken + bytes
	large := after > r.each
	if after > mostLarge || large && r.big != nil && r.big != h.share {
		return false
	}
	if r.taken+bytes > r.total {
		r.wanted = r.wanted || !large
		return false
	}
	if large {
		r.big = h.share
	}
	if h.taken == 0 {
		h.since = time.Now()
		r.holders[h] = struct{}{}
	}
	r.taken, h.share.taken, h.taken = r.taken+bytes, after, h.taken+bytes
	return true
}

// Give gives them back.
func (h *holder) Give(bytes int) {
	r := h.room
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken, h.share.taken, h.taken = r.taken-bytes, h.share.taken-bytes, h.taken-bytes
	if h.taken == 0 {
		delete(r.holders, h)
	}
	if r.big == h.share && h.share.taken <= r.each {
		r.big = nil
	}
}

// overdue returns who must give back, since somebody found nothing since the last call; nil: nobody.
func (r *room) overdue(now time.Time) (most *holder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted := r.wanted
	r.wanted = false
	for h := range r.holders {
		if wanted && now.Sub(h.since) >= roomTime && (most == nil || h.taken > most.taken) {
			most = h
		}
	}
	return most
}

// giveBack ends the connection whose lane has too much of the room.
func (h *holder) giveBack() {
	s := h.site
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.lanes() {
		if l.holder == h && l.cancel != nil {
			l.cancel(errRoom)
		}
	}
}
