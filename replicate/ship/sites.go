package ship

import (
	"context"
	"errors"
	"fmt"

	"rackpost/hw/journal"
)

// Sites is a store of many sites, as headquarters has it. It should be a Holder too. Nothing it does for one site may cost more
// because there are others. All of it may be called at once; the vectors are the caller's.
type Sites interface {
	// HeldOf, HaveOf and WantedOf are Ledger's, of one site.
	HeldOf(site journal.ID) journal.Vector
	HaveOf(site journal.ID) journal.Vector
	WantedOf(site journal.ID) journal.Vector

	// WatchOf is Store's Watch, of one site: what others bring does not close the channel.
	WatchOf(site journal.ID) <-chan struct{}

	// PageOf is Source's Page, of a site and of the streams given alone.
	PageOf(ctx context.Context, site journal.ID, streams []journal.Stream, v journal.Vector, limit int) ([]journal.Batch, error)

	// Layout is Source's.
	Layout(ctx context.Context, id journal.LayoutID) (journal.Layout, error)

	// ConflictsOf is Sink's Conflicts, of one site.
	ConflictsOf(site journal.ID) uint64

	Bases
}

// Picker is a Source that can be asked for less than everything. Without it NewestFirst has no effect.
type Picker interface {
	// PageOf returns what Page does, but of one site and the streams given, one after the other in the
	// order given; none given: all.
	PageOf(ctx context.Context, site journal.ID, streams []journal.Stream, v journal.Vector, limit int) ([]journal.Batch, error)

	// NewestOf is PageOf with what was written last first.
	NewestOf(ctx context.Context, site journal.ID, streams []journal.Stream, v journal.Vector, limit int) ([]journal.Batch, error)
}

// SiteView is one site of a store of many, as the Store of a line with Options.Down. It gives facts
// and nothing else, and has no tail: what is written is not told to it.
type SiteView struct {
	sites Sites
	site  journal.ID
	merge func(ctx context.Context, batches []journal.Batch) error
	pack  journal.Compressor
}

var _ Store = (*SiteView)(nil)

// NewSiteView returns the view of one site. merge takes what comes, as Sink.Merge does.
func NewSiteView(sites Sites, site journal.ID, merge func(ctx context.Context, batches []journal.Batch) error) *SiteView {
	return &SiteView{sites: sites, site: site, merge: merge}
}

// Page returns facts of the site.
func (v *SiteView) Page(ctx context.Context, held journal.Vector, limit int) ([]journal.Batch, error) {
	return v.sites.PageOf(ctx, v.site, []journal.Stream{journal.Facts}, held, limit)
}

// Tail returns a reader of nothing.
func (v *SiteView) Tail() func(context.Context, int) ([]journal.Batch, error) {
	return func(context.Context, int) ([]journal.Batch, error) { return nil, nil }
}

// Layout is Store's.
func (v *SiteView) Layout(ctx context.Context, id journal.LayoutID) (journal.Layout, error) {
	return v.sites.Layout(ctx, id)
}

// Merge is Store's.
func (v *SiteView) Merge(ctx context.Context, batches []journal.Batch) error {
	if v.merge == nil {
		return errors.New("this view of a site takes nothing")
	}
	return v.merge(ctx, batches)
}

// Conflicts is Store's.
func (v *SiteView) Conflicts() uint64 { return v.sites.ConflictsOf(v.site) }

// Held is Store's.
func (v *SiteView) Held() journal.Vector { return v.sites.HeldOf(v.site) }

// Have is Store's.
func (v *SiteView) Have() journal.Vector { return v.sites.HaveOf(v.site) }

// Wanted is Store's.
func (v *SiteView) Wanted() journal.Vector { return v.sites.WantedOf(v.site) }

// Holds is Holder's.
func (v *SiteView) Holds(k journal.Key) bool {
	if h, ok := v.sites.(Holder); ok {
		return h.Holds(k)
	}
	return v.Held().Has(k.StreamKey, k.Seq)
}

// Base is Store's.
func (v *SiteView) Base(site journal.ID) ([]byte, error) { return v.sites.Base(site) }

// Join takes a base of this site, and of no other.
func (v *SiteView) Join(ctx context.Context, raw []byte) error {
	if size, err := journal.BaseSize(raw); err == nil && size > maxBase { // a few kilobytes may say that
		return fmt.Errorf("read the base: %w: it has %d bytes, the limit is %d", journal.ErrCorrupt, size, maxBase)
	}
	b, err := v.pack.UnmarshalBase(raw)
	if err != nil {
		return fmt.Errorf("read the base: %w", err)
	}
	if b.Site != v.site {
		return fmt.Errorf("%w: a base of site %s from site %s", journal.ErrOtherSite, b.Site, v.site)
	}
	return v.sites.Join(ctx, raw)
}

// Watch is Store's.
func (v *SiteView) Watch() <-chan struct{} { return v.sites.WatchOf(v.site) }
