package main

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rackpost/hw/journal"
	"rackpost/wholefile"
)

// What is kept of batches that cannot be read: of a site, of all, written in an hour because of one site, and told at most.
const (
	quarantineOfSite = 16
	quarantineBytes  = 64 << 20
	quarantineHourly = 16
	quarantineTold   = 32
	quarantineFolder = "quarantine"
)

// quarantine keeps the bytes of batches of others that could not be read, for a person to look at. The batches are asked for again all the
// same; nothing here is ever read back.
type quarantine struct {
	dir    string
	logger *slog.Logger

	mu    sync.Mutex
	hours map[journal.ID]*filesOfHour
}

// filesOfHour counts what was written because of a site.
type filesOfHour struct {
	since time.Time
	files int
}

func newQuarantine(data string, logger *slog.Logger) *quarantine {
	return &quarantine{dir: filepath.Join(data, quarantineFolder), logger: logger, hours: map[journal.ID]*filesOfHour{}}
}

// keep writes what a site sent into the folder, unless it stands there, and lets the oldest go where there are too many. k is what the batch calls
// itself.
func (q *quarantine) keep(site journal.ID, k journal.Key, raw []byte, why error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	name := fmt.Sprintf("%s-%s-%s-%s-%d", site, k.Origin, k.Incarnation, k.Stream, k.Seq)
	path := filepath.Join(q.dir, name)
	if f, err := os.Stat(path); err == nil && f.Size() == int64(len(raw)) || !q.mayWrite(site) {
		return
	}
	err := os.MkdirAll(q.dir, 0o700)
	if err == nil {
		err = q.makeRoom(site, int64(len(raw)))
	}
	if err == nil {
		err = wholefile.Write(path, raw, 0o600)
	}
	if err != nil {
		q.logger.Warn("a batch that cannot be read is not kept for a person to look at", "batch", name, "err", err)
		return
	}
	q.logger.Warn("a batch that cannot be read is kept for a person to look at; it is asked for again", "file", path, "bytes", len(raw), "err", why)
}

// mayWrite says whether something may be written because of a site, and counts it.
func (q *quarantine) mayWrite(site journal.ID) bool {
	w := q.hours[site]
	if w == nil || time.Since(w.since) >= time.Hour {
		w = &filesOfHour{since: time.Now()}
		q.hours[site] = w
	}
	w.files++
	return w.files <= quarantineHourly
}

// makeRoom removes the oldest of the site until it may have one more, and the oldest of all until so many bytes more may be there.
func (q *quarantine) makeRoom(site journal.ID, bytes int64) error {
	files, err := quarantinedFiles(q.dir)
	if err != nil {
		return err
	}
	sum, ofSite := bytes, 1
	for _, f := range files {
		sum += f.Size()
		if strings.HasPrefix(f.Name(), site.String()) {
			ofSite++
		}
	}
	for _, f := range files {
		mine := strings.HasPrefix(f.Name(), site.String())
		if sum <= quarantineBytes && (ofSite <= quarantineOfSite || !mine) {
			continue
		}
		if err := os.Remove(filepath.Join(q.dir, f.Name())); err != nil {
			return err
		}
		if sum -= f.Size(); mine {
			ofSite--
		}
	}
	return nil
}

// quarantinedFiles returns what stands in the folder, the oldest first.
func quarantinedFiles(dir string) (files []fs.FileInfo, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for _, e := range entries {
		if f, err := e.Info(); err == nil && f.Mode().IsRegular() {
			files = append(files, f)
		}
	}
	slices.SortStableFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	return files, nil
}

// quarantinedIn tells what batches are kept in a data folder, the newest first.
func quarantinedIn(data string) []string {
	files, err := quarantinedFiles(filepath.Join(data, quarantineFolder))
	if err != nil {
		return nil
	}
	var out []string
	for _, f := range slices.Backward(files) {
		if len(out) == quarantineTold {
			return append(out, fmt.Sprintf("%s: %d more", quarantineFolder, len(files)-quarantineTold))
		}
		out = append(out, fmt.Sprintf("%s/%s: a batch that could not be read came %s", quarantineFolder, f.Name(), clockText(f.ModTime())))
	}
	return out
}
