package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"rackpost/hw/journal"
)

// rewriteBytes is what a rewrite writes at most between two fsyncs, but for a row that is
// larger by itself and for what indexes take.
const rewriteBytes = 4 << 20

// copyWithout writes the file to, a sealed segment like g without part. Positions stay, and
// so does what a later version put beside the tables of this one. It needs no more room than
// what is left takes: a file that is thrown away when it is not finished has no journal.
func (g *segment) copyWithout(ctx context.Context, to string, part journal.Vector) error {
	c := cut{sources: "-1", layouts: len(only(g.contents().Minus(part), journal.Samples)) == 0}
	for k := range part {
		source, _ := g.source(k)
		c.sources += fmt.Sprintf(", %d", source)
	}
	return g.copyCut(ctx, to, c)
}

// copyWithoutSites is copyWithout for all that is of sites, which leave not even their names.
func (g *segment) copyWithoutSites(ctx context.Context, to string, sites []journal.ID) error {
	return g.copyCut(ctx, to, cut{sources: "SELECT id FROM old.source WHERE substr(key, 1, 16) IN (" + literals(sites) + ")", names: true})
}

// cut is what is left out of a copy.
type cut struct {
	sources string // which streams: a list or a query in SQL
	names   bool   // their names and what was set aside too
	layouts bool   // all layouts
}

func (g *segment) copyCut(ctx context.Context, to string, c cut) error {
	removeDB(to)
	db := openDB(to, scratch)
	err := g.copyTables(ctx, db, c)
	if err = errors.Join(err, db.Close()); err != nil {
		removeDB(to)
	}
	return err
}

func (g *segment) copyTables(ctx context.Context, db *sql.DB, c cut) error {
	if _, err := db.ExecContext(ctx, "ATTACH ? AS old", g.file()); err != nil {
		return err
	}
	var tables []table
	var others []string
	err := inTx(ctx, db, func(tx *sql.Tx) (err error) {
		tables, others, err = copySchema(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, t := range tables {
		switch {
		case t.name == "own" || t.name == "batch" || (t.name == "other" && c.names):
			t.keep = "source NOT IN (" + c.sources + ")"
		case t.name == "source" && c.names:
			t.keep = "id NOT IN (" + c.sources + ")"
		case t.name == "layout" && c.layouts:
			continue
		}
		if err := t.copy(ctx, db); err != nil {
			return err
		}
	}
	err = inTx(ctx, db, func(tx *sql.Tx) error { return execAll(ctx, tx, others) })
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "DETACH old")
	return err
}

// table is one that is copied from the database attached as old to the main one.
type table struct {
	name  string
	rowid bool   // its rows have numbers
	keep  string // which rows are copied: an SQL condition
	bytes string // an SQL expression: the size of a row
}

// copySchema makes the tables of the database attached as old, with their indexes, in the main
// one. It returns the tables, and what makes the rest once they are filled: a trigger must not
// see the rows pass.
func copySchema(ctx context.Context, tx *sql.Tx) (tables []table, others []string, err error) {
	var statements []string
	err = eachOf(ctx, tx, `SELECT type, name, sql FROM old.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid`, nil, func(rows *sql.Rows) error {
		var kind, name, text string
		err := rows.Scan(&kind, &name, &text)
		switch kind {
		case "table":
			tables = append(tables, table{name: name, keep: "true"})
			statements = append(statements, text)
		case "index":
			statements = append(statements, text)
		default:
			others = append(others, text)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	for i := range tables {
		if err := tables[i].describe(ctx, tx); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range []string{"user_version", "application_id"} {
		var n int64
		if err := tx.QueryRowContext(ctx, "PRAGMA old."+name).Scan(&n); err != nil {
			return nil, nil, err
		}
		statements = append(statements, fmt.Sprintf("PRAGMA main.%s=%d", name, n))
	}
	return tables, others, execAll(ctx, tx, statements)
}

func execAll(ctx context.Context, tx *sql.Tx, statements []string) error {
	for _, text := range statements {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) describe(ctx context.Context, tx *sql.Tx) error {
	if err := tx.QueryRowContext(ctx, "SELECT NOT wr FROM pragma_table_list WHERE schema = 'old' AND name = ?", t.name).Scan(&t.rowid); err != nil {
		return fmt.Errorf("read of which kind table %s is: %w", t.name, err)
	}
	t.bytes = "0"
	return eachOf(ctx, tx, "SELECT name FROM pragma_table_info(?, 'old')", []any{t.name}, func(rows *sql.Rows) error {
		var column string
		err := rows.Scan(&column)
		t.bytes += " + 9 + coalesce(octet_length(" + quoted(column) + "), 0)"
		return err
	})
}

// copy copies the rows piece by piece, each a transaction. Those without numbers are few, and
// copied at once.
func (t *table) copy(ctx context.Context, db *sql.DB) error {
	q := fmt.Sprintf("INSERT INTO main.%s SELECT * FROM old.%[1]s WHERE %s", quoted(t.name), t.keep)
	if !t.rowid {
		return inTx(ctx, db, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, q)
			return err
		})
	}
	for last, more := int64(-1<<63), true; more; {
		err := inTx(ctx, db, func(tx *sql.Tx) error {
			after := last
			var err error
			if last, more, err = t.piece(ctx, tx, after); err != nil || last == after {
				return err
			}
			_, err = tx.ExecContext(ctx, q+" AND rowid > ? AND rowid <= ?", after, last)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// piece returns the number of the row with which the rows after one reach rewriteBytes, or of
// the last one; more says that the table may go on.
func (t *table) piece(ctx context.Context, tx *sql.Tx, after int64) (last int64, more bool, err error) {
	last = after
	rows, err := tx.QueryContext(ctx, fmt.Sprintf("SELECT rowid, %s FROM old.%s WHERE %s AND rowid > ? ORDER BY rowid", t.bytes, quoted(t.name), t.keep), after)
	if err != nil {
		return last, false, err
	}
	defer rows.Close()
	for total := int64(0); total < rewriteBytes && rows.Next(); {
		var n int64
		if err := rows.Scan(&last, &n); err != nil {
			return last, false, err
		}
		total += n
		more = total >= rewriteBytes
	}
	return last, more, rows.Err()
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
