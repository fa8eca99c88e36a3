package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// Store is a store of many sites. All of it may be called at once.
type Store interface {
	// Merge takes batches of any sites, all or none, and returns when they are durable: one transaction,
	// one fsync. An error that is journal.ErrCorrupt, journal.ErrNewer, journal.ErrNoLayout or
	// journal.ErrOtherSite is a batch's own fault; any other is the store's.
	Merge(ctx context.Context, batches []journal.Batch) error

	// View returns what there is of one site; it gives nothing but facts to be sent down. Its Merge is
	// not called.
	View(site journal.ID) ship.Store

	// Stored returns how many bytes of one site the store keeps.
	Stored(site journal.ID) int64
}

// Site is who is allowed to send.
type Site struct {
	ID   journal.ID
	Name string
}

// Door says who is at the other end of a connection.
type Door interface {
	// Site returns the site whose certificate the connection showed. Its error is ErrNoCertificate,
	// ErrForeign or ErrRevoked, or the door's own trouble: then the site is asked to come again.
	Site(state *tls.ConnectionState) (Site, error)

	// Sites returns the sites that may send: those not heard are silent.
	Sites() []Site
}

// Why a connection is not let in.
var (
	ErrNoCertificate = errors.New("the connection shows no certificate of a site")
	ErrForeign       = errors.New("the certificate is not of this headquarters")
	ErrRevoked       = errors.New("the certificate was revoked")
)

// Teller is told what people must know.
type Teller interface {
	// Tell takes what changed. Each alarm is the whole of what is known of its component and code; after an
	// error, and at every start, it is told again. It returns when that is durable.
	Tell(ctx context.Context, alarms []Alarm) error
}

// The codes of the alarms.
const (
	CodeSilent = "site-silent"  // nothing was heard of a site; or, of Sites, of many at once
	CodeQuota  = "site-quota"   // a site brought more than it may: only its facts are taken
	CodeBad    = "site-refused" // batches of a site cannot be taken
)

// Sites is the component of alarms about many sites at once.
const Sites = "sites"

// Alarm is an alert of headquarters about its sites, open or closed.
type Alarm struct {
	Component string // "site/" and the id, or Sites
	Code      string
	Open      bool
	Level     hw.Level
	Since     time.Time // open: since when; closed: when it ended
	Params    hw.Attrs  // site, name, count and the like
}

// Config is what an intake is made with.
type Config struct {
	Site   journal.ID // headquarters' own; no box may send as it
	Origin journal.ID // of headquarters' store
	Store  Store
	Door   Door
	Teller Teller                              // nil: nobody is told
	Quota  func(site journal.ID) (Quota, bool) // of a site with other limits than Limits.Quota; may be nil
	Limits Limits
	Now    func() time.Time // the wall clock; time.Now when nil
	Logger *slog.Logger
}

// Quota is how much one site may bring. 0: no limit.
type Quota struct {
	BytesPerDay int64 `json:"bytes_per_day,omitempty"` // of batches, from midnight to midnight UTC
	BytesStored int64 `json:"bytes_stored,omitempty"`
}

// Limits are the bounds of an intake. What is 0 is as said.
type Limits struct {
	Connections int // at once; 4,096
	PerSecond   int // connections let in a second; 1,000
	Memory      int // bytes of batches that may be under way to all connections together; 128 MB
	LiveWindow  int // bytes of it that one live lane may have; 64 KB
	Window      int // and one lane of what is behind; 256 KB
	Sites       int // of which something is remembered; 16,384

	Bundle     int           // bytes merged at once; 8 MB
	SiteBundle int           // of these of one site; 1 MB
	Silent     time.Duration // a site not heard for so long is told as silent; 30 s
	Quota      Quota         // of a site for which Config.Quota knows no other
}

// Pace is what a site's lanes may do.
type Pace struct {
	Paused         bool `json:"paused,omitempty"`           // send nothing
	FactsOnly      bool `json:"facts_only,omitempty"`       // no samples and no logs
	BytesPerSecond int  `json:"bytes_per_second,omitempty"` // of the lane of what is behind; 0: no limit
}
