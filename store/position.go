package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Position is where a local reader stands: behind one batch. It means nothing to another
// store. The zero Position stands before everything.
type Position struct {
	Segment SegmentID
	Row     int64
	Check   uint32 // the checksum of the batch there: a folder that was put back has others under the same number. 0: not known
}

// String returns the text ParsePosition reads.
func (p Position) String() string {
	if p.Check == 0 {
		return fmt.Sprintf("%s:%d", p.Segment, p.Row)
	}
	return fmt.Sprintf("%s:%d:%08x", p.Segment, p.Row, p.Check)
}

// ParsePosition reads a position.
func ParsePosition(text string) (p Position, err error) {
	bad := fmt.Errorf("position %q: want what an earlier answer gave", text)
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return Position{}, bad
	}
	id, err := hex.DecodeString(parts[0])
	if err != nil || len(id) != len(p.Segment) {
		return Position{}, bad
	}
	p.Segment = SegmentID(id)
	if p.Row, err = strconv.ParseInt(parts[1], 10, 64); err != nil || p.Row < 0 {
		return Position{}, bad
	}
	if len(parts) == 3 {
		check, err := strconv.ParseUint(parts[2], 16, 32)
		if err != nil || len(parts[2]) != 8 || check == 0 {
			return Position{}, bad
		}
		p.Check = uint32(check)
	}
	return p, nil
}

// ErrTrimmed is returned for a position whose segment is gone: the reader missed
// something and begins anew from a snapshot.
var ErrTrimmed = errors.New("position was trimmed away")

// ErrOtherLife is returned for a position that this store did not give: that of another store, or of this one
// before its folder was put back from an older copy.
var ErrOtherLife = errors.New("position of another journal")

// pastKept is how many segments that are gone are remembered, so that a position in one is told from
// a stranger's.
const pastKept = 4096

func joinIDs(ids []SegmentID) []byte {
	out := []byte{}
	for _, id := range ids[max(0, len(ids)-pastKept):] {
		out = append(out, id[:]...)
	}
	return out
}

func splitIDs(b []byte) (ids []SegmentID) {
	for ; len(b) >= len(SegmentID{}); b = b[len(SegmentID{}):] {
		ids = append(ids, SegmentID(b))
	}
	return ids
}

// takePast learns from the segments, which are in order, which there were before them.
func (s *Store) takePast() {
	for _, g := range slices.Backward(s.segments) {
		if len(s.past) == 0 {
			s.past = g.past
		}
		g.past = nil
	}
	for _, g := range s.segments {
		if !slices.Contains(s.past, g.id) {
			s.past = append(s.past, g.id)
		}
	}
}

// check says what is wrong with a position that somebody brings.
func (s *Store) check(ctx context.Context, p Position) error {
	if p == (Position{}) {
		return nil
	}
	s.state.RLock()
	at := slices.IndexFunc(s.segments, func(g *segment) bool { return g.id == p.Segment })
	var g *segment
	if at >= 0 {
		g = s.segments[at]
	}
	known := slices.Contains(s.past, p.Segment)
	s.state.RUnlock()
	switch {
	case g == nil && known:
		return fmt.Errorf("position %s: %w", p, ErrTrimmed)
	case g == nil:
		return fmt.Errorf("position %s: %w", p, ErrOtherLife)
	case g.damaged() != nil || p.Row == 0:
		return nil
	}
	// A row is there before lastRow knows of it, and one that was dropped is not there any more.
	last := g.lastRow()
	check, err := g.checkOf(ctx, p.Row)
	switch {
	case err != nil: // the reading tells what is wrong
		return nil
	case check == 0 && last > 0 && p.Row > last:
		return fmt.Errorf("position %s: %w: its segment ends at %d", p, ErrOtherLife, last)
	case check != 0 && p.Check != 0 && check != p.Check:
		return fmt.Errorf("position %s: %w: another batch stands there", p, ErrOtherLife)
	}
	return nil
}

// stamp completes a position with the checksum of the batch there, where it can be read.
func (s *Store) stamp(ctx context.Context, p Position) Position {
	if p.Row == 0 {
		return p
	}
	for _, g := range s.listed() {
		if g.id == p.Segment && g.damaged() == nil {
			if check, err := g.checkOf(ctx, p.Row); err == nil && check != 0 { // without it the position is as good, only not as safe
				p.Check = check
			}
		}
	}
	return p
}

// lastRow returns the last position there ever was in the segment; 0 where that is not known.
func (g *segment) lastRow() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sealed {
		return g.end
	}
	return g.next - 1
}

// checkOf returns the checksum of the batch in a row, 0 when there is none.
func (g *segment) checkOf(ctx context.Context, row int64) (check uint32, err error) {
	err = g.read(func(db *sql.DB) error {
		var b []byte
		err := db.QueryRowContext(ctx, "SELECT substr(bytes, -4) FROM batch WHERE position = ?", row).Scan(&b)
		if err == nil && len(b) == 4 {
			check = binary.BigEndian.Uint32(b)
		}
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return check, err
}
