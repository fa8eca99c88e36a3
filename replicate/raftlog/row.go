package raftlog

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/hashicorp/raft"
)

// The kinds of small values.
const (
	kindStable = 1
	kindMeta   = 2
)

// row is one entry as SQLite has it.
type row struct {
	index, term, kind int64
	appended          sql.NullInt64
	data, extensions  []byte
	committed         int64
}

func rowOf(l *raft.Log, commit uint64) row {
	r := row{index: int64(l.Index), term: int64(l.Term), kind: int64(l.Type), data: l.Data, extensions: l.Extensions, committed: int64(commit)}
	if !l.AppendedAt.IsZero() {
		r.appended = sql.NullInt64{Int64: l.AppendedAt.UnixNano(), Valid: true}
	}
	return r
}

// sum is the row's checksum. It tells apart what SQLite does: no bytes and NULL.
func (r row) sum() int64 {
	b := make([]byte, 0, 128)
	for _, n := range []int64{r.index, r.term, r.kind, r.appended.Int64, r.committed, int64(len(r.data)), int64(len(r.extensions))} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, set := range []bool{r.appended.Valid, r.data != nil, r.extensions != nil} {
		b = append(b, map[bool]byte{true: 1}[set])
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	c := crc32.Update(crc32.Checksum(b, table), table, r.data)
	return int64(crc32.Update(c, table, r.extensions))
}

func sumOf(kind int64, key string, value []byte) int64 {
	b := binary.BigEndian.AppendUint64(nil, uint64(kind))
	b = binary.BigEndian.AppendUint64(b, uint64(len(key)))
	b = append(append(b, key...), value...)
	return int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// errContent says that a row is not what was written.
var errContent = errors.New("its content is not what was written")

// scanLog reads one entry, and the commit index stored with it.
func scanLog(from interface{ Scan(...any) error }) (*raft.Log, uint64, error) {
	var r row
	var sum int64
	if err := from.Scan(&r.index, &r.term, &r.kind, &r.appended, &r.data, &r.extensions, &r.committed, &sum); err != nil {
		return nil, 0, err
	}
	if r.sum() != sum || r.index <= 0 || r.term < 0 || r.committed < 0 || r.kind < 0 || r.kind > 255 {
		return nil, 0, fmt.Errorf("entry %d: %w", r.index, errContent)
	}
	l := &raft.Log{Index: uint64(r.index), Term: uint64(r.term), Type: raft.LogType(r.kind), Data: r.data, Extensions: r.extensions}
	if r.appended.Valid {
		l.AppendedAt = time.Unix(0, r.appended.Int64)
	}
	return l, uint64(r.committed), nil
}
