package raftlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// count learns how many pages there are.
func (f *file) count() error {
	var all, free int64
	if err := f.statements[sqlPages].QueryRow().Scan(&all, &free); err != nil {
		return err
	}
	f.free = free
	f.used.Store((all - free) * pageBytes)
	return nil
}

// pagesFor is what entries take at most.
func pagesFor(logs []*raft.Log) int64 {
	n := int64(0)
	for _, l := range logs {
		n += 64 + int64(len(l.Data)+len(l.Extensions))
		if n%pageBytes > pageBytes/2 {
			n += pageBytes / 4 // a row does not always fill what is left of its page
		}
	}
	return 4 + n/(pageBytes-512)
}

// grow adds free pages, on the disk and not only in the WAL, whose file keeps its length: what is written next has room in
// both, whoever fills the disk.
func (f *file) grow(pages int64) error {
	err := f.inTx(func() error { return errors.Join(f.do(sqlRelease), f.do(sqlReserve, pages*pageBytes)) })
	if err != nil {
		return err
	}
	if err := f.inTx(func() error { return f.do(sqlRelease) }); err != nil {
		return err
	}
	var busy, frames, written int64
	if err := f.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &frames, &written); err != nil {
		return err
	}
	if frames != written {
		return fmt.Errorf("move %d pages from the WAL into the file: %d moved", frames, written)
	}
	return f.count()
}

// shrink gives pages back to the disk, a few at a time.
func (f *file) shrink() error {
	if f.free <= sparePages {
		return nil
	}
	if _, err := f.conn.ExecContext(context.Background(), fmt.Sprintf("PRAGMA incremental_vacuum(%d)", shrinkPages)); err != nil {
		return err
	}
	return f.count()
}
