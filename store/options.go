package store

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/hw/journal"
)

// Options are what a store is opened with. Only Dir and Site must be set.
type Options struct {
	Dir     string     // everything of the store lies in it; subfolders are others'
	Site    journal.ID // the site this box stands in; a folder of another site is refused
	Origin  journal.ID // of a journal that is yet to be begun; a random one when zero
	Version string     // of the program, for the record
	Logger  *slog.Logger

	ManySites bool                        // HQ: batches of other sites are merged too
	Quota     func(site journal.ID) int64 // how many bytes a site may take (Usage.Bytes), 0 for any; of who is over it is shed first. Nil: any

	Registers int // of a site, of all origins: beyond it nothing new that others say is taken; half a million when 0
	Streams   int // of a site, of all its journals: beyond it 64 a day are begun by others' batches; 32,768 when 0
	Runs      int // of batches of a site without a hole: beyond it none that begins one is taken; 65,536 when 0

	Budget       int64         // bytes of all files together; 8 GB when 0, at least 64 MB
	MinFree      int64         // bytes of the file system left to others: below it the store sheds; 256 MB when 0
	Ballast      int64         // bytes kept in a file to be freed first when the disk is full; 256 MB when 0, none when negative
	SegmentBytes int64         // a segment is sealed at this size; max(256 MB, or 512 MB of many sites, Budget/256) when 0
	SegmentAge   time.Duration // or at this age; 6 h when 0
	FlushAge     time.Duration // a flush comes this long after the first waiting report; 1 s when 0

	Mode  func() journal.Mode                  // what the box may do now; Lone when nil
	Clock func() journal.ClockState            // what is known of the wall clock; unknown when nil
	Now   func() time.Time                     // the wall clock
	Boot  func() (id [8]byte, d time.Duration) // the kernel's boot and the time since it, which no one can set
	Free  func(dir string) (int64, error)      // bytes of dir's file system a user may still write

	BeforeWrite func() // called before each write of batches, as part of it: a test makes the disk slow with it; may be nil
}

func (o *Options) defaults() error {
	if o.Dir == "" || o.Site == (journal.ID{}) {
		return fmt.Errorf("store needs a folder and a site")
	}
	or(&o.Budget, 8<<30)
	or(&o.MinFree, 256<<20)
	or(&o.Ballast, 256<<20)
	least := int64(256 << 20)
	if o.ManySites { // so that a device has enough visits in a segment for a good twin
		least = 512 << 20
	}
	or(&o.SegmentBytes, max(least, o.Budget/256))
	or(&o.SegmentAge, 6*time.Hour)
	or(&o.FlushAge, time.Second)
	or(&o.Registers, maxSiteRegisters)
	or(&o.Streams, maxSiteStreams)
	or(&o.Runs, maxSiteRuns)
	if o.Budget < 64<<20 {
		return fmt.Errorf("store budget of %d bytes: give it at least 64 MB", o.Budget)
	}
	o.Ballast = max(0, o.Ballast)
	// One segment must not be all of the budget, or there is nothing to drop.
	o.SegmentBytes = min(o.SegmentBytes, o.Budget/8)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Mode == nil {
		o.Mode = func() journal.Mode { return journal.Lone }
	}
	if o.Clock == nil {
		o.Clock = func() journal.ClockState { return journal.ClockUnknown }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Boot == nil {
		id := kernelBoot()
		o.Boot = func() ([8]byte, time.Duration) { return id, sinceBoot() }
	}
	if o.Free == nil {
		o.Free = freeBytes
	}
	return nil
}

func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// sinceBoot returns CLOCK_BOOTTIME.
func sinceBoot() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// kernelBoot returns the first half of the kernel's boot id. Where it cannot be read it is
// zeros: then two boots cannot be told apart, and nothing else is lost.
func kernelBoot() (id [8]byte) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return id
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(string(b)), "-", ""))
	if err == nil {
		copy(id[:], raw)
	}
	return id
}

func freeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("ask for the free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}
