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
	log, err := f.open(f.Path)
	if err != nil || log != nil {
		return log, err
	}
	if log, err = f.open(f.Path); err == nil && log == nil {
		err = errors.New("the raft log that was made a moment ago is damaged")
	}
	return log, err
}

// open returns nil for a damaged file, which it puts aside.
func (f LogFile) open(path string) (Log, error) {
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	log, err := raftlog.Open(ctx, path, f.Options)
	var damaged *raftlog.DamagedError
	if err == nil {
		return log, nil
	}
	if !errors.As(err, &damaged) {
		return nil, err
	}
	f.Logger.Error("the log of the pair is damaged; this member begins anew", slog.Any("error", err), slog.String("kept", path+".damaged"))
	if err := os.Rename(path, path+".damaged"); err != nil {
		return nil, fmt.Errorf("put the damaged raft log aside: %w", err)
	}
	return nil, raftlog.Remove(path)
}

// Wipe implements Logs.
func (f LogFile) Wipe() error { return raftlog.Remove(f.Path) }

func (f LogFile) former() string { return f.Path + ".former" }

// SetAside keeps the closed file beside its place.
func (f LogFile) SetAside() error { return raftlog.Move(f.Path, f.former()) }

// Former opens what is kept, nil where there is nothing.
func (f LogFile) Former() (Log, error) {
	if _, err := os.Stat(f.former()); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return f.open(f.former())
}

// Reinstate puts what is kept, closed, in the place of the closed file.
func (f LogFile) Reinstate() error { return raftlog.Move(f.former(), f.Path) }

// Forget removes what is kept.
func (f LogFile) Forget() error { return raftlog.Remove(f.former()) }
