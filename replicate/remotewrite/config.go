package remotewrite

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// Protocol is a version of remote write.
type Protocol string

// The versions.
const (
	V1 Protocol = "1.0"
	V2 Protocol = "2.0"
)

// ErrGone is what Journal returns for a position behind which something was dropped, or that another journal gave.
var ErrGone = errors.New("position was trimmed away, or is another journal's")

// Position is where a reader of the journal stands; empty is before everything.
type Position string

// Changes are batches of samples behind a position, in order of arrival.
type Changes struct {
	Batches []journal.Batch // with their layouts
	Behind  []Position      // where a reader of each batch stands
	Next    Position        // where to go on, also when nothing was found
	Head    Position        // behind the newest
}

// Journal is the store as far as it is read.
type Journal interface {
	// Changes returns what came behind a position and not behind until, which is empty or a position, until it is limit bytes or more.
	// Its error is ErrGone where that is not to be had.
	Changes(ctx context.Context, after, until Position, limit int) (Changes, error)
	// Head is behind the newest batch.
	Head(ctx context.Context) Position
	// Watch returns a channel that is closed at the next change.
	Watch() <-chan struct{}
}

// Counted tells which readings of islands count: those where no box with authority visited, and of two islands at one time those of one.
// It calls fn for each, from and to included.
type Counted interface {
	Counted(ctx context.Context, site journal.ID, device hw.DeviceID, from, to time.Time, fn func(origin journal.ID, component, sensor string, at time.Time)) error
}

// Place is what the labels of a site's series are made of.
type Place struct {
	Site    string // its name; of a pair the pair's
	Devices map[hw.DeviceID]Device
}

// Device is what the labels say of a device besides its id.
type Device struct{ Customer, Rack string }

// Access is what a receiver lets in.
type Access struct {
	Bearer   string // or User and Password
	User     string
	Password string
	TLS      *tls.Config // nil: the system's authorities
}

// Config is what a Sender is made of. URL, Journal, Places and File must be set.
type Config struct {
	Access
	// Renew returns the Access of now where it is another one than the last time. It is called after an answer that refuses the login and
	// after a connection that failed, by one goroutine at a time. Nil: it never changes.
	Renew func() (now Access, changed bool, err error)

	URL      string
	Protocol Protocol          // V1 when empty; V2 falls back to V1 where the receiver does not prove that it knows V2
	Headers  map[string]string // sent with every request, such as X-Scope-OrgID
	Labels   map[string]string // of every series, besides its own
	InOrder  bool              // for a receiver that takes nothing out of order: one lane, the oldest first
	Window   time.Duration     // what is older is not written but counted; 0: however old
	File     string            // where the positions are kept

	Journal Journal
	Counted Counted // nil: every reading counts
	Islands Islands // nil: what an island read is judged when it is read; so it is for a receiver that takes nothing out of order
	Shared  bool    // another box may go on for this one: what was written is kept as long as the journal has it
	// Places returns a site's; ok is false where nothing is known of it any more.
	Places func(site journal.ID) (p Place, ok bool)

	// Plain puts why a request got no answer into words that say what it means and where to look. Nil: it is told as it is.
	Plain func(error) error

	Now    func() time.Time
	Logger *slog.Logger

	pace pace
}

// pace are the times a Sender goes by.
type pace struct {
	gather  time.Duration // between two requests of the live lane
	hop     time.Duration // how late the live lane may be before it leaves the rest to the other
	save    time.Duration // between two writings of the positions
	first   time.Duration // wait before the second try
	refused time.Duration // longest wait after no answer
	failed  time.Duration // longest wait after an answer that says to try again
	probe   time.Duration // between two looks at the receiver's clock while held back
	grace   time.Duration // for the request under way at the end
	timeout time.Duration // of a request
	place   time.Duration // for which what is known of a site's devices holds
	idle    time.Duration // between two looks for what is behind although nothing told of it
	island  time.Duration // for which the readings of an island wait at most; engines show the last value for 5 minutes
	barred  time.Duration // for which a request waits for a receiver that never took an empty one, nor any sample
}

func defaultPace() pace {
	return pace{gather: time.Second, hop: 4 * time.Second, save: time.Second, first: 500 * time.Millisecond, refused: 5 * time.Second,
		failed: 30 * time.Second, probe: 30 * time.Second, grace: time.Second, timeout: 30 * time.Second, place: 20 * time.Second, idle: 5 * time.Second,
		island: 4 * time.Minute, barred: time.Hour}
}

// The bounds.
const (
	MaxSamples    = 10_000           // of a request
	MaxBody       = 1_000_000        // bytes of a request before they are packed
	maxPage       = 1 << 20          // bytes of the journal that the lane of what is behind reads at once
	livePage      = 64 << 10         // that the live lane does
	maxAnswer     = 4 << 10          // bytes of an answer that are read
	maxLabels     = 32               // of the configuration
	maxRetryAfter = time.Hour        // what a receiver asks for beyond is taken for this
	maxOffset     = 60 * time.Second // of the clock to the receiver's
	maxAhead      = 10 * time.Minute // samples of a later time are not sent: an engine that has them takes nothing of now
	maxValue      = 1024             // bytes of a label of a device
	triesAt500    = 5                // before a request that fails alone is cut up
	maxCuts       = 64               // requests that one refused request may become
)

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,127}$`)

// ownLabels are those of every series.
var ownLabels = []string{"__name__", "component", "customer", "device", "rack", "site"}

// CheckLabel says what is wrong with a label of the configuration.
func CheckLabel(name, value string) error {
	switch {
	case !labelName.MatchString(name) || strings.HasPrefix(name, "__"):
		return fmt.Errorf("%q is no name of a label; write letters, digits and underscores, such as datacenter", name)
	case slices.Contains(ownLabels, name):
		return fmt.Errorf("the label %s is set by rackpost; write another name", name)
	case value == "" || len(value) > 1024:
		return fmt.Errorf("the label %s: write 1 to 1,024 bytes", name)
	}
	return nil
}

// ownHeaders are those that the protocol sets.
var ownHeaders = []string{"Content-Type", "Content-Encoding", "Content-Length", "Host", "User-Agent", "Connection", "Transfer-Encoding", "X-Prometheus-Remote-Write-Version"}

var headerName = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]{1,128}$`)

// CheckHeader says what is wrong with a header of the configuration.
func CheckHeader(name, value string) error {
	switch {
	case !headerName.MatchString(name) || strings.ContainsAny(value, "\r\n\x00"):
		return fmt.Errorf("%q is no header; write one such as X-Scope-OrgID: tenant", name)
	case slices.Contains(ownHeaders, http.CanonicalHeaderKey(name)):
		return fmt.Errorf("the header %s is set by the protocol; leave it out", name)
	case http.CanonicalHeaderKey(name) == "Authorization":
		return errors.New("the header Authorization: write bearer: or user: and password: in its place")
	}
	return nil
}

// CheckURL says what is wrong with the address of a receiver.
func CheckURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%q is no address of a receiver; write https://victoria.example.org/api/v1/write", s)
	case u.User != nil:
		return nil, errors.New("the address holds a password; write it beside url, as user and password")
	case u.Fragment != "":
		return nil, fmt.Errorf("%q has something behind #; leave that out", s)
	}
	return u, nil
}

func (c *Config) check() error {
	if _, err := CheckURL(c.URL); err != nil {
		return err
	}
	if c.Protocol == "" {
		c.Protocol = V1
	}
	if c.Protocol != V1 && c.Protocol != V2 {
		return fmt.Errorf("protocol %q: write %s or %s", c.Protocol, V1, V2)
	}
	if c.Journal == nil || c.Places == nil || c.File == "" {
		return errors.New("remote write needs a journal, the places of its sites and a file for its positions")
	}
	if len(c.Labels) > maxLabels {
		return fmt.Errorf("%d labels: at most %d", len(c.Labels), maxLabels)
	}
	for k, v := range c.Labels {
		if err := CheckLabel(k, v); err != nil {
			return err
		}
	}
	for k, v := range c.Headers {
		if err := CheckHeader(k, v); err != nil {
			return err
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.pace == (pace{}) {
		c.pace = defaultPace()
	}
	return nil
}
