package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rackpost/wholefile"
)

// A life that ended, by no order, before it was shortLife old is a short one. Every life is two or three new streams in the journal, which
// whoever gets them remembers for ever; so after freeLives short ones in a row the next begins no sooner than a pause after
// the last one began, which grows from leastPause to mostPause.
const (
	shortLife  = time.Minute
	freeLives  = 3
	leastPause = 5 * time.Second
	mostPause  = 10 * time.Minute
	maxLives   = 4096 // bytes of the file
	extension  = time.Minute
	openTime   = 30 * time.Minute // to open a large journal after a wait; see TimeoutStartSec of the units
)

// How a life is, as far as it was written down.
const (
	lifeBegun   = "begun"   // or it ended in a way in which nothing could be written
	lifeLasting = "lasting" // it was older than shortLife
	lifeOrdered = "ordered" // it ended as it was told
)

// lives is what is remembered of the last life, in DATA/starts.
type lives struct {
	Began time.Time `json:"began"`
	Short int       `json:"short"` // lives in a row before it
	State string    `json:"state"`
}

// short returns how many short lives in a row there are when this one is over.
func (l lives) short() int {
	switch l.State {
	case lifeBegun:
		return min(l.Short, 1<<20) + 1
	case lifeOrdered:
		return l.Short
	}
	return 0
}

// pause returns how long the next life waits at now. Who stops it by an order knows what they do: then it does not.
func (l lives) pause(now time.Time) time.Duration {
	n := l.short() - freeLives
	if l.State == lifeOrdered || n <= 0 {
		return 0
	}
	pause := mostPause
	if n < 8 {
		pause = min(mostPause, leastPause<<(n-1))
	}
	return min(max(0, pause-now.Sub(l.Began)), pause)
}

// livesKeeper has the lives of one data folder.
type livesKeeper struct {
	path   string
	logger *slog.Logger

	mu  sync.Mutex
	now lives
}

// live calls run, after a pause when the lives before this one were short. It holds back only what a service manager starts anew by itself:
// who starts it by hand waits for nothing, and nothing is written.
func live(ctx context.Context, data string, logger *slog.Logger, run func(context.Context) error) error {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return run(ctx)
	}
	k := &livesKeeper{path: filepath.Join(data, "starts"), logger: logger}
	before := k.read()
	k.now.Short = before.short()
	if wait := before.pause(time.Now()); wait > 0 && !k.holdBack(ctx, wait) {
		k.write(lifeOrdered)
		return nil
	}
	k.now.Began = time.Now()
	k.write(lifeBegun)
	lasting, over := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		select {
		case <-lasting.Done():
		case <-time.After(shortLife):
			k.write(lifeLasting)
		}
	})
	err := run(ctx)
	over()
	group.Wait()
	if err == nil {
		k.write(lifeOrdered)
	}
	return err
}

// holdBack waits, and says so. It returns false when ctx ended before.
func (k *livesKeeper) holdBack(ctx context.Context, wait time.Duration) bool {
	n := notifier{logger: k.logger}
	until := time.Now().Add(wait)
	why := fmt.Sprintf("held back until %s: it ended %d times in a row within a minute of its start; its log tells why, and systemctl restart starts it at once", until.Format(time.TimeOnly), k.now.Short)
	k.logger.Warn("the start is held back: the lives before were short", "pause", wait.Round(time.Second), "short_lives", k.now.Short, "then", "systemctl restart starts it at once")
	defer n.send(extend(openTime), "STATUS=starting")
	over := time.NewTimer(wait)
	defer over.Stop()
	tick := time.NewTicker(statusInterval)
	defer tick.Stop()
	for {
		n.send(extend(extension), "STATUS="+why)
		select {
		case <-ctx.Done():
			return false
		case <-over.C:
			return true
		case <-tick.C:
		}
	}
}

// extend asks systemd for patience with a start.
func extend(d time.Duration) string { return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds()) }

// read returns what is remembered; what cannot be read is nothing.
func (k *livesKeeper) read() (l lives) {
	b, err := readAtMost(k.path, maxLives)
	if errors.Is(err, fs.ErrNotExist) {
		return l
	}
	if err == nil {
		err = json.Unmarshal(b, &l)
	}
	if err != nil {
		k.logger.Warn("how often it was started lately is not known", "err", err)
		return lives{}
	}
	return l
}

// write remembers how this life is. Where that cannot be written, the next start waits by what was.
func (k *livesKeeper) write(state string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now.State = state; state == lifeLasting {
		k.now.Short = 0
	}
	b, err := json.Marshal(k.now)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(k.path), 0o750)
	}
	if err == nil {
		err = wholefile.Write(k.path, append(b, '\n'), 0o600)
	}
	if err != nil {
		k.logger.Warn("that it was started cannot be remembered", "err", err)
	}
}
