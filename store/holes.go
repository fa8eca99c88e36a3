package store

import (
	"fmt"
	"strconv"
	"strings"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/fold"
)

// Look is what a look at what is missing of a site goes by.
type Look struct {
	// Present are all boxes of the site that are connected, each of which has given all it has. What may be on the disk of another is waited for,
	// unless that was retired or the one that is present is alone at its site.
	Present []journal.ID

	// Suspect is what the look before found, a few seconds ago: only of that it is said that it is lost. What is new may have overtaken it.
	Suspect journal.Vector

	// Firsts has it look for boxes, too, that began without knowing of the visits before.
	Firsts bool
}

// Missing is what a store of many sites knows that it does not have of one.
type Missing struct {
	Awaited uint64         // batches that were written and are not here
	Suspect journal.Vector // of these, what nobody has if the next look finds it too
	Lost    uint64         // batches of which it was said just now that nobody has them
	Visits  uint64         // gaps told just now between visits of boxes that did not know of each other
	Open    bool           // more may be told when other boxes are there
}

// TellMissing writes into the journal of a site what nobody there has any more. What was said is not said again, and is taken back when it comes
// after all. It is for a store of many sites.
func (s *Store) TellMissing(site journal.ID, look Look) (Missing, error) {
	if site == s.id.site {
		return Missing{}, fmt.Errorf("tell what is missing of site %s: it is the store's own", site)
	}
	m, said, lost := s.look(site, look, nil)
	if len(said.facts)+len(lost) == 0 {
		return m, nil
	}
	facts, tombs := s.lostFacts(lost) // it reads
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.isClosed() {
		return m, fmt.Errorf("tell what is missing of site %s: %w", site, ErrClosed)
	}
	m, said, now := s.look(site, look, lost) // what came meanwhile
	if !now.Equal(lost) {
		m.Visits, m.Open = 0, true
		return m, nil // the next look tells
	}
	said.facts, said.tombs = append(said.facts, facts...), tombs
	if err := s.tellSites([]statement{said}); err != nil {
		return m, fmt.Errorf("tell what is missing of site %s: %w", site, err)
	}
	m.Lost = lost.Count()
	m.Awaited, m.Suspect = m.Awaited-m.Lost, m.Suspect.Minus(lost)
	return m, nil
}

// look finds what is missing of a site: what there is to say, but for what was lost, of that no more than of where that is not nil.
func (s *Store) look(site journal.ID, look Look, of journal.Vector) (m Missing, said statement, lost journal.Vector) {
	s.state.RLock()
	defer s.state.RUnlock()
	said.site = site
	f := s.folds[site]
	if f == nil {
		return m, said, journal.Vector{}
	}
	held := s.held.of(site)
	m.Awaited = f.Awaited(held).Count()
	m.Suspect, m.Open = f.Lost(held, s.id.origin, look.Present)
	lost = m.Suspect.Minus(m.Suspect.Minus(look.Suspect))
	if of == nil {
		lost = atMost(lost, maxTold)
	} else {
		lost = lost.Minus(lost.Minus(of))
	}
	said.facts = foundAgain(f, held)
	if look.Firsts {
		gaps, settled, open := f.Settle(look.Present)
		m.Visits, m.Open = uint64(len(gaps)), m.Open || open
		said.facts = append(said.facts, gaps...)
		for _, x := range settled {
			said.facts = append(said.facts, x.Fact(s.opt.Now()))
		}
	}
	return m, said, lost
}

// maxTold bounds the runs of which one look tells that they are lost.
const maxTold = 256

// atMost returns so many runs of v.
func atMost(v journal.Vector, n int) journal.Vector {
	out := journal.Vector{}
	for _, k := range v.Keys() {
		runs := v[k][:min(n, len(v[k]))]
		if len(runs) == 0 {
			break
		}
		out[k] = runs
		n -= len(runs)
	}
	return out
}

// lostFacts returns what tells of batches that nobody has: a gap each run, from the batch before to the one behind, and a tombstone, so that
// nobody waits for it.
func (s *Store) lostFacts(lost journal.Vector) (facts []hw.Fact, tombs []journal.Tombstone) {
	for _, k := range lost.Keys() {
		for _, iv := range lost[k] {
			tombs = append(tombs, journal.Tombstone{StreamKey: k, Interval: iv, Reason: string(hw.Lost)})
		}
		runs := lost[k]
		if len(runs) > maxEdges { // all between them, too
			runs = []journal.Interval{{First: runs[0].First, Last: runs[len(runs)-1].Last}}
		}
		for _, iv := range runs {
			gap := s.spanOf(journal.Vector{k: {iv}}).of(hw.GapValue{Reason: hw.Lost,
				Detail: fmt.Sprintf("%d batches of %s did not reach headquarters, and no box has them", (journal.Vector{k: lost[k]}).Minus(outside(k, iv)).Count(), k.Stream)})
			facts = append(facts, hw.Fact{Kind: hw.GapFact, Version: 1, Component: BoxPath(k.Origin), Group: lostGroup(k, iv), Value: gap})
		}
	}
	return facts, tombs
}

// outside is all of a stream that is not in iv.
func outside(k journal.StreamKey, iv journal.Interval) journal.Vector {
	out := journal.Vector{}
	if iv.First > 1 {
		out.Add(k, 1, iv.First-1)
	}
	out.Add(k, iv.Last+1, 1<<62-1)
	return out
}

const lostMark = "#" + string(hw.Lost)

// lostGroup names the gap of a run: its stream, incarnation and numbers.
func lostGroup(k journal.StreamKey, iv journal.Interval) string {
	return fmt.Sprintf("%s/%s/%d-%d%s", k.Stream, k.Incarnation, iv.First, iv.Last, lostMark)
}

// lostRun reads what lostGroup returned, of a fact of site.
func lostRun(site journal.ID, x hw.Fact) (k journal.StreamKey, iv journal.Interval, ok bool) {
	words, isLost := strings.CutSuffix(x.Group, lostMark)
	parts := strings.Split(words, "/")
	path, isBox := strings.CutPrefix(x.Component, "box/")
	if !isLost || !isBox || len(parts) != 3 {
		return k, iv, false
	}
	origin, err := journal.ParseID(path)
	inc, err2 := strconv.ParseUint(parts[1], 16, 64)
	first, last, _ := strings.Cut(parts[2], "-")
	a, err3 := strconv.ParseUint(first, 10, 64)
	b, err4 := strconv.ParseUint(last, 10, 64)
	if err != nil || err2 != nil || err3 != nil || err4 != nil {
		return k, iv, false
	}
	for _, t := range []journal.Stream{journal.Facts, journal.Samples, journal.Logs} {
		if t.String() == parts[0] {
			return journal.StreamKey{Site: site, Origin: origin, Incarnation: journal.Incarnation(inc), Stream: t}, journal.Interval{First: a, Last: b}, true
		}
	}
	return k, iv, false
}

// foundAgain returns what takes back the gaps of batches that came after all.
func foundAgain(f *fold.Fold, held journal.Vector) (out []hw.Fact) {
	for _, x := range f.Of("", hw.GapFact) {
		if k, iv, ok := lostRun(f.Site(), x); ok && held.Covers(journal.Vector{k: {iv}}) {
			out = append(out, hw.Fact{Kind: hw.GapFact, Component: x.Component, Group: x.Group, Removed: true})
		}
	}
	return out
}
