package replicate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"rackpost/replicate/raftlog"
)

// openTimeout is how long the check of a whole log may take.
const openTimeout = 2 * time.Minute

// LogFile is the Logs of one file. A damaged one is kept aside, as PATH.damaged, and the member
// begins a new life: what was agreed on comes back from the others.
type LogFile struct {
	Path    string
	Options raftlog.Options
	Logger  *slog.Logger
}

// Open implements Logs.
func (f LogFile) Open() (Log, error) {
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	log, err := raftlog.Open(ctx, f.Path, f.Options)
	var damaged *raftlog.DamagedError
	if err == nil {
		return log, nil
	}
	if !errors.As(err, &damaged) {
		return nil, err
	}
	f.Logger.Error("the log of the pair is damaged; this member begins anew", slog.Any("error", err), slog.String("kept", f.Path+".damaged"))
	if err := os.Rename(f.Path, f.Path+".damaged"); err != nil {
		return nil, fmt.Errorf("put the damaged raft log aside: %w", err)
	}
	if err := raftlog.Remove(f.Path); err != nil {
		return nil, err
	}
	return raftlog.Open(ctx, f.Path, f.Options)
}

// Wipe implements Logs.
func (f LogFile) Wipe() error { return raftlog.Remove(f.Path) }
