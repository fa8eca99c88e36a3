// Package api is what programs pull from a box or from headquarters under /api/v1 and /metrics: records from a position on, the
// state they amount to, readings put together, and the newest of them.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
)

// Place is what is known of one site.
type Place interface {
	web.Source
	web.History
}

// Sites are the sites whose records are here: of a box its own, of headquarters many.
type Sites interface {
	// Sites returns all of them in order of name.
	Sites(ctx context.Context) ([]Site, error)
	// Place returns what is known of one of them.
	Place(ctx context.Context, id journal.ID) (Place, error)
}

// Box is whoever answers: a box, or headquarters.
type Box interface {
	Status(ctx context.Context) (web.Status, error)
}

// Position is where a reader of the records stands, as the store writes it. The empty one stands before everything.
type Position string

// Records are the records of all sites in the order in which they came.
type Records interface {
	// Changes returns what came behind q.After. The error is ErrPosition where that is no position at all, and ErrGone where what
	// stood behind it was dropped or another journal gave it.
	Changes(ctx context.Context, q ChangesQuery) (Changes, error)
	// Ends returns the position before the oldest record that is here and the one behind the newest.
	Ends(ctx context.Context) (oldest, head Position)
	// Watch returns a channel that is closed when something comes of the site, of any site if it is zero.
	Watch(site journal.ID) <-chan struct{}
}

// ChangesQuery asks for what came behind a position.
type ChangesQuery struct {
	After   Position
	Since   time.Time        // with an empty After: what was written before need not be given
	Site    journal.ID       // of this site alone; of all when zero
	Streams []journal.Stream // of these alone; of all when empty
	Seen    journal.Vector   // the reader has these, and is not given them: After may be of another box of the site. nil: not known
	Tell    bool             // what stands before After is to be told
	Batches int              // so many at most
	Bytes   int              // until they are so many or more
}

// Changes is an answer to a ChangesQuery.
type Changes struct {
	Batches []journal.Batch // with their layouts
	Behind  []Position      // where a reader of each batch stands
	Before  journal.Vector  // what stands before After of the site and the streams; nil: nobody asked, or it is too much to tell
	Next    Position        // behind all that was looked at
	Oldest  Position
	Head    Position // Next is the same: there is no more
}

// Registers are what the facts amount to.
type Registers interface {
	// Snapshot calls fn for every register of a site, or of all sites if it is zero, in order of site and key, until it returns an
	// error, and returns that. Whatever is not in the registers comes behind the position; what came meanwhile may be in both.
	Snapshot(ctx context.Context, site journal.ID, fn func(Register) error) (Position, error)
}

// Register is the last word of one origin on one thing.
type Register struct {
	Site  journal.ID
	Order journal.Order
	Mode  journal.Mode
	Fact  hw.Fact
	Shown bool // it counts: it does not yield to another origin's
}

// Readings are readings put together.
type Readings interface {
	// Aggregate calls fn for the buckets that have a reading or lack one, in order of site, device, component, sensor and time. The
	// error is web.ErrTooMany for more than q.Limit.
	Aggregate(ctx context.Context, q AggregateQuery, fn func(Bucket) error) error
	// Known says whether any reading is here of the sensors that are asked for, of whatever time.
	Known(ctx context.Context, q AggregateQuery) (bool, error)
}

// Config is what the API stands on. What needs a part that is nil is not served.
type Config struct {
	Own       journal.ID // the site that is meant where none is named; zero at headquarters
	Box       Box
	Sites     Sites
	Records   Records
	Registers Registers
	Readings  Readings
	Consumers *Consumers
	Turns     web.Turns        // of whatever reads the history; nil: of its own
	Logger    *slog.Logger     // nil discards
	Now       func() time.Time // nil is time.Now
}

// The errors of what the API stands on.
var (
	ErrUnknownSite = errors.New("unknown site")
	ErrPosition    = errors.New("no position")
	ErrGone        = errors.New("what stood behind the position is gone, or another journal gave it")
)

// API answers.
type API struct {
	Config
	bounds   *bounds
	newest   *newest
	census   census
	spelling *spelling
	snaps    web.Turns     // of snapshots, which a slow client may take long to read
	scrapes  web.Turns     // of metrics: who reads history slowly must not blind whoever watches
	queue    time.Duration // a request waits for its turn
	pace     pace
	pack     journal.Compressor
}

// New returns the API.
func New(c Config) *API {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Turns == nil {
		c.Turns = web.NewTurns()
	}
	a := &API{Config: c, bounds: newBounds(c.Now), census: census{turn: make(chan struct{}, 1)}, spelling: &spelling{}, snaps: make(web.Turns, maxSnapshots), scrapes: web.NewTurns(), queue: maxQueue, pace: usualPace()}
	a.newest = newNewest(&a.pack, c.Now)
	return a
}

// access is how a request came, and with it who may ask.
type access int

const (
	remote access = iota // over the network: whoever has a token
	local                // from a program on this machine
	people               // over the socket, whose mode says who may
)

// Remote answers whoever has a token of a consumer.
func (a *API) Remote() http.Handler { return a.handler(remote) }

// Local answers programs on this machine, which need no token; one that has a token is that consumer.
func (a *API) Local() http.Handler { return a.handler(local) }

// People is Local for those whom the mode of the unix socket lets in: they make and remove consumers too.
func (a *API) People() http.Handler { return a.handler(people) }
