package uplink

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	clockSamples = 15 // of headquarters' clock that are kept
	clockFew     = 3  // after these they come seldom
	clockSlow    = 10 * time.Second
	dateStep     = time.Second // how exact a Date is
)

// offsets tells how far headquarters' clock is from this box's: the median of what the Date of its answers
// said. What is kept is headquarters' time against the time since this box started, so that a step of
// this box's clock shows at once.
type offsets struct {
	mu   sync.Mutex
	list []reading
}

// reading is headquarters' clock at a moment of ours, which has the time since the start within.
type reading struct{ hq, at time.Time }

// add takes the Date of an answer to what was sent at a moment and answered at another.
func (o *offsets) add(header http.Header, sent, answered time.Time) {
	date, err := http.ParseTime(header.Get("Date"))
	took := answered.Sub(sent)
	if err != nil || took < 0 || took > clockSlow {
		return
	}
	r := reading{hq: date.Add(dateStep / 2), at: sent.Add(took / 2)}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) == clockSamples {
		o.list = o.list[1:]
	}
	o.list = append(o.list, r)
}

// few says whether more readings are wanted soon.
func (o *offsets) few() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.list) < clockFew
}

// offset returns headquarters' clock less this box's, whose wall clock shows wall at the moment now.
func (o *offsets) offset(now, wall time.Time) (time.Duration, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) == 0 {
		return 0, false
	}
	all := make([]time.Duration, len(o.list))
	for i, r := range o.list {
		all[i] = r.hq.Add(now.Sub(r.at)).Sub(wall.Round(0))
	}
	slices.Sort(all)
	return all[len(all)/2], true
}
