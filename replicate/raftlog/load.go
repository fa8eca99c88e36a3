package raftlog

import (
	"context"
	"errors"
	"fmt"
)

// load implements backend: it reads all there is, and checks each row.
func (f *file) load() (content, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := content{stable: map[string][]byte{}, meta: map[string][]byte{}}
	if err := f.loadLog(&c); err != nil {
		return c, f.wrap(err)
	}
	if err := f.loadValues(&c); err != nil {
		return c, f.wrap(err)
	}
	if c.first > 0 && c.meta[keyLife] == nil {
		return c, f.damaged(errors.New("it has entries and no life"))
	}
	if err := f.grow(grownPages); err != nil && !isFull(err) {
		return c, f.wrap(err)
	}
	return c, f.wrap(f.count())
}

func (f *file) loadLog(c *content) error {
	rows, err := f.conn.QueryContext(context.Background(), "SELECT idx, term, type, appended, data, extensions, committed, crc FROM log ORDER BY idx")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		l, commit, err := scanLog(rows)
		if err != nil {
			return err
		}
		if c.first == 0 {
			c.first = l.Index
		} else if l.Index != c.last+1 {
			return fmt.Errorf("entry %d follows entry %d: %w", l.Index, c.last, errContent)
		}
		c.last, c.commit = l.Index, commit
	}
	return rows.Err()
}

func (f *file) loadValues(c *content) error {
	rows, err := f.conn.QueryContext(context.Background(), "SELECT kind, key, value, crc FROM value")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var kind, sum int64
		var key string
		var value []byte
		if err := rows.Scan(&kind, &key, &value, &sum); err != nil {
			return err
		}
		if sumOf(kind, key, value) != sum || kind != kindStable && kind != kindMeta {
			return fmt.Errorf("value %.40q: %w", key, errContent)
		}
		map[int64]map[string][]byte{kindStable: c.stable, kindMeta: c.meta}[kind][key] = value
	}
	return rows.Err()
}
