package intake

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/ship"
)

// Store is a store of many sites. All of it may be called at once.
type Store interface {
	ship.Sites

	// Merge takes batches of any sites, all or none, and returns when they are durable: one transaction,
	// one fsync. An error that is journal.ErrCorrupt, journal.ErrNewer, journal.ErrNoLayout, journal.ErrOtherSite
	// or journal.ErrTooMuch is a batch's own fault; any other is the store's.
	Merge(ctx context.Context, batches []journal.Batch) error
}

// Door says who is at the other end of a connection. An enroll.Registry is one.
type Door interface {
	// Check returns the site whose certificate the connection showed. Its error is an enroll.Refusal, or the
	// door's own trouble: then the site is asked to come again.
	Check(state tls.ConnectionState) (site journal.ID, name string, err error)

	// List returns the sites that joined: those of them that may send and are not heard are silent.
	List() []enroll.Site

	// Watch returns a channel that is closed at the next change of who may send.
	Watch() <-chan struct{}
}

// Teller is told what people must know.
type Teller interface {
	// Tell takes all alarms that are open, whenever they changed: what was open and is not among them is
	// over. It is first called when Limits.Silent has passed since the start, since then it is known who is
	// silent; after an error it is called again.
	Tell(ctx context.Context, open []Alarm) error
}

// The codes of the alarms.
const (
	CodeSilent  = "site-silent"  // nothing is heard of a site; or, of AllSites, of many at once
	CodeQuota   = "site-quota"   // a site brought more than it may: only its facts are taken
	CodeRefused = "site-refused" // batches of a site could not be taken within the last quarter of an hour

	CodeLost = "site-lost" // no box of a site has records any more that did not come: within the last day it was found

	CodeOutgrown = "hq-outgrown" // of AllSites: headquarters is too small for what all sites bring
)

// Codes returns the codes of all alarms of an intake.
func Codes() []string { return []string{CodeSilent, CodeQuota, CodeRefused, CodeLost, CodeOutgrown} }

// AllSites is the component of alarms about many sites at once.
const AllSites = "sites"

// Component returns the component of the alarms about one site.
func Component(site journal.ID) string { return "site/" + site.String() }

// Alarm is an open alert of headquarters about its sites.
type Alarm struct {
	Component string
	Code      string
	Level     hw.Level
	Since     time.Time // by headquarters' clock
	Params    hw.Attrs  // site: its name; count, of, sites: of many; reason
}

// Config is what an intake is made with.
type Config struct {
	Site    journal.ID // headquarters' own; no box may send as it
	Origin  journal.ID // of headquarters' store
	Store   Store
	Door    Door
	Teller  Teller                                            // nil: nobody is told
	Missing func(site journal.ID, look Look) (Missing, error) // finds and tells what no box of a site has any more; nil: nobody does
	Stored  func(site journal.ID) int64                       // bytes that the store keeps of a site; nil: not known
	Quota   func(site journal.ID, name string) (Quota, bool)  // of a site with other limits than Limits.Quota; may be nil
	Paced   func(site journal.ID) ship.Pace                   // what an operator wished of a site before this start; may be nil
	Lost    func(site journal.ID) time.Time                   // when people were told before this start that records of a site are lost, while that stands; zero: they were not; may be nil
	Days    Days                                              // keeps what the sites brought today; nil: a restart begins the day anew
	Limits  Limits
	Now     func() time.Time // the wall clock; time.Now when nil
	Logger  *slog.Logger

	// Quarantine keeps a batch of a site that could not be read, and calls itself k. Nil: it is thrown away.
	Quarantine func(site journal.ID, k journal.Key, raw []byte, why error)
}

// Look is what a look at what is missing of a site goes by.
type Look struct {
	Present []journal.ID   // all boxes of the site that are connected; each has given all it has
	Suspect journal.Vector // what the look before found that nobody has
	Firsts  bool           // look also for boxes that began without knowing of the visits before
}

// Missing is what a look found.
type Missing struct {
	Awaited uint64         // batches that were written and are not here
	Suspect journal.Vector // of these, what nobody has if the next look finds it too
	Lost    uint64         // batches that were told now to be lost
	Visits  uint64         // gaps told now between visits of boxes that did not know of each other
	Open    bool           // more may be told when other boxes are there
}

// Quota is how much one site may bring. 0: no limit.
type Quota struct {
	BytesPerDay int64 `json:"bytes_per_day,omitempty"` // of batches, from midnight to midnight UTC
	BytesStored int64 `json:"bytes_stored,omitempty"`
}

// Limits are the bounds of an intake. What is 0 is as said.
type Limits struct {
	Connections int // at once; 2,500
	PerSecond   int // connections let in a second; 1,000
	Memory      int // bytes that may be under way to all connections together; 160 MB
	Large       int // bytes of what is larger than its lane's window, of all together; 96 MB, and not less
	LiveWindow  int // bytes of it that one live lane may have; 64 KB
	Window      int // and one lane of what is behind; 256 KB

	Bundle int           // bytes merged at once; 8 MB
	Silent time.Duration // a site not heard for so long is told as silent; 30 s, and LeastSilent at least
	Quota  Quota         // of a site for which Config.Quota knows no other
}
