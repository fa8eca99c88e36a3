// Package api is what programs pull from a box or from headquarters under /api/v1 and /metrics: records from a position on, the
// state they amount to, readings drawn together, and the newest of them as numbers.
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
	// Place returns what is known of one. The error is ErrUnknownSite where there is none of that id.
	Place(ctx context.Context, id journal.ID) (Place, error)
}

// Box is whoever answers: a box or headquarters.
type Box interface {
	Status(ctx context.Context) (web.Status, error)
}

// Position is where a reader of the records stands, as the store writes it. The empty one stands before everything.
type Position string

// Records are the records of all sites in the order in which they came.
type Records interface {
	// Changes calls fn for the batches behind q.After with their layouts, until it returns an error, which is then returned, or
	// there are no more. at is the position behind the batch. next is the position behind the last batch looked at, whether it was
	// asked for or not. The error is ErrTrimmed for a position whose records are gone or that another store gave.
	Changes(ctx context.Context, q ChangesQuery, fn func(at Position, b journal.Batch) error) (next Position, err error)
	// Ends returns the position before the oldest record that is kept and the one behind the newest.
	Ends() (oldest, head Position)
	// Watch returns a channel that is closed at the next change.
	Watch() <-chan struct{}
}

// ChangesQuery asks for records.
type ChangesQuery struct {
	After   Position
	Site    journal.ID       // of all sites when zero
	Streams []journal.Stream // all when empty
	Limit   int              // batches to look at, at most
}

// State is what the facts amount to.
type State interface {
	// Snapshot calls fn for the registers of a site, or of all sites if it is zero, until it returns an error, and returns that.
	// Records behind the position are not in all of them, and those before it are. It may be called with nil for the position alone.
	Snapshot(ctx context.Context, site journal.ID, fn func(site journal.ID, r journal.Register) error) (Position, error)
}

// Readings are readings drawn together.
type Readings interface {
	// Aggregate calls fn for every group and step in which a reading was due, in order of group and time.
	Aggregate(ctx context.Context, q AggregateQuery, fn func(Aggregate) error) error
}

// AggregateQuery asks for readings of one sensor drawn together.
type AggregateQuery struct {
	Site      journal.ID  // zero: every site's
	Device    hw.DeviceID // empty: every device's
	Component string      // empty: every component's
	Sensor    string
	By        []string      // of site, device, component: what is not named is drawn together
	Step      time.Duration // 0: the whole time is one step
	From, To  time.Time     // From included, To not
}

// Config is what the API needs. A nil part is not served: what asks for it is answered with 404.
type Config struct {
	Own       journal.ID // the site that is meant where none is named; zero at headquarters
	Box       Box
	Sites     Sites
	Records   Records
	State     State
	Readings  Readings
	Consumers *Consumers
	Logger    *slog.Logger     // nil discards
	Now       func() time.Time // nil is time.Now
}

// The errors of what the API stands on.
var (
	ErrUnknownSite = errors.New("unknown site")
	ErrTrimmed     = errors.New("position is gone")
)

// API answers.
type API struct {
	Config
}

// New returns the API. Run it for long answers to end in order.
func New(c Config) *API {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &API{c}
}

// Remote answers whoever has a token.
func (a *API) Remote() http.Handler { return a.handler(true) }

// Local answers whoever is on this machine; a token names a consumer and is not needed.
func (a *API) Local() http.Handler { return a.handler(false) }

func (a *API) handler(token bool) http.Handler {
	_ = token
	return http.NotFoundHandler()
}
