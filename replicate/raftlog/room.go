package raftlog

import (
	"context"
	"fmt"
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

// grow adds free pages, on the disk and not only in the WAL, which afterwards has room for a few transactions as well.
func (f *file) grow() error {
	if err := f.inTx(func() error { return f.do(sqlReserve, grownPages*pageBytes) }); err != nil {
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
