package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/store"
	"rackpost/web"
	"rackpost/web/api"
)

// headquarters takes the records of many sites and gives them to whoever pulls.
type headquarters struct {
	cfg       hqConfig
	store     *store.Store
	registry  *enroll.Registry
	intake    *intake.Intake
	consumers *api.Consumers
	api       *api.API
	logger    *slog.Logger
	started   time.Time
	cuts      hqCuts
	writes    *writes
	paces     *paces
	file      string                 // hq.yaml
	hangUp    <-chan os.Signal       // asks for a reload
	refused   atomic.Pointer[string] // why the last one was; nil: it was not
}

// openHeadquarters opens the store and the register of sites. Close it after Run.
func openHeadquarters(ctx context.Context, cfg hqConfig, opt store.Options, logger *slog.Logger) (*headquarters, error) {
	folder := filepath.Join(cfg.data, "hq")
	public, err := publicCertificate(cfg.cert, cfg.key, logger)
	if err != nil {
		return nil, err
	}
	registry, err := enroll.Open(enroll.Config{Folder: folder, Names: cfg.names, URLs: cfg.urls, Trusted: clockTrusted, Logger: logger, Public: public})
	if err != nil {
		return nil, err
	}
	consumers, err := api.OpenConsumers(filepath.Join(folder, "consumers.json"), time.Now)
	if err != nil {
		return nil, err
	}
	opt.Dir, opt.Site, opt.Budget, opt.Version = cfg.data, registry.HQ(), cfg.budget, versionText()
	opt.Logger, opt.Clock, opt.ManySites = logger, clockState, true
	opt.Quota = func(site journal.ID) int64 { return cfg.storedBy(registry, site) }
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	limitMemory(logger)
	kept, err := openPaces(folder)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, opt)
	if err != nil {
		return nil, err
	}
	h := &headquarters{cfg: cfg, store: s, registry: registry, consumers: consumers, logger: logger, started: time.Now(), paces: kept}
	h.intake, err = intake.New(h.receiving(folder))
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if h.writes, err = openWrites(cfg.boxConfig, s, h.place, nil, lone{}, logger); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	h.api = api.New(h.pulling())
	return h, nil
}

// receiving is how the sites' records are taken; folder is where headquarters keeps who is who.
func (h *headquarters) receiving(folder string) intake.Config {
	return intake.Config{
		Site: h.registry.HQ(), Origin: h.store.Origin(), Store: h.store, Door: h.registry, Teller: h, Limits: h.cfg.limits, Logger: h.logger, Paced: h.paces.of, Lost: h.lostBefore(),
		Stored: func(site journal.ID) int64 { return h.store.UsageOf(site).Bytes },
		Missing: func(site journal.ID, look intake.Look) (intake.Missing, error) {
			m, err := h.store.TellMissing(site, store.Look(look))
			return intake.Missing(m), err
		},
		Quota: h.quotaOf,
		Days:  days{filepath.Join(folder, "today.json")},

		Quarantine: newQuarantine(h.cfg.data, h.logger).keep,
	}
}

// storedBy returns how many bytes a site may keep here; 0: any.
func (c *hqConfig) storedBy(registry *enroll.Registry, site journal.ID) int64 {
	if s, joined := registry.Site(site); joined {
		if q, other := c.quotas[s.Name]; other {
			return q.BytesStored
		}
	}
	return c.limits.Quota.BytesStored
}

// idleQuotas are the names with a quota that no site has.
func (c *hqConfig) idleQuotas(sites []enroll.Site) (names []string) {
	for name := range c.quotas {
		if !slices.ContainsFunc(sites, func(s enroll.Site) bool { return s.Name == name }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// quotaOf returns the quota of a site that has another one than the rest.
func (h *headquarters) quotaOf(_ journal.ID, name string) (intake.Quota, bool) {
	q, ok := h.cfg.quotas[name]
	return q, ok
}

// nameOf returns the name of a site, or its id where it has none.
func (h *headquarters) nameOf(site journal.ID) string {
	if site == h.registry.HQ() {
		return h.cfg.name
	}
	if s, joined := h.registry.Site(site); joined {
		return s.Name
	}
	return site.String()
}

// Run takes records and answers until ctx ends.
func (h *headquarters) Run(ctx context.Context, stopping func() bool) error {
	tcp, err := h.listen(ctx)
	if err != nil {
		return fmt.Errorf("listen for the sites: %w; write another address after listen: in hq.yaml", err)
	}
	socket, err := listenSocket(ctx, h.cfg.socket)
	if err != nil {
		return errors.Join(err, tcp.Close())
	}
	// The store outlives what feeds it: what was merged must still be answered for.
	storing, endStore := context.WithCancel(context.WithoutCancel(ctx))
	defer endStore()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return h.store.Run(storing) })
	group.Go(func() error { defer endStore(); return h.intake.Run(ctx) })
	group.Go(func() error { return h.consumers.Run(ctx) })
	group.Go(func() error { return h.writes.Run(ctx) })
	group.Go(func() error {
		return web.Serve(ctx, tls.NewListener(intake.Guard(tcp), h.registry.TLS()), h.network(), slog.New(quietHandshakes{h.logger.Handler()}))
	})
	group.Go(func() error { return web.Serve(ctx, peers{socket}, h.control(), h.logger) })
	n := notifier{status: h.statusLine, alive: h.alive, stopping: stopping, logger: h.logger}
	group.Go(func() error { return n.Run(ctx) })
	group.Go(func() error { return h.reloads(ctx, n) })
	if names := h.cfg.idleQuotas(h.registry.List()); len(names) > 0 {
		h.logger.Warn("hq.yaml has quotas for sites that have not joined: are the names right?", "quotas", strings.Join(names, ", "))
	}
	h.logger.Info("started", "name", h.cfg.name, "sites", len(h.registry.List()), "listen", tcp.Addr().String(), "version", versionText())
	if err := group.Wait(); err != nil {
		return err
	}
	h.logger.Info("stopped")
	return nil
}

func (h *headquarters) listen(ctx context.Context) (net.Listener, error) {
	if h.cuts.listen != nil {
		return h.cuts.listen(ctx, "", h.cfg.listen.String())
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", h.cfg.listen.String())
}

// network is what other machines reach: sites by their certificate, consumers by their token.
func (h *headquarters) network() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(intake.LivePath, h.intake)
	mux.Handle(intake.BehindPath, h.intake)
	joining := h.registry.Handler()
	for _, path := range []string{enroll.PathEnroll, enroll.PathRenew, enroll.PathClock} {
		mux.Handle(path, joining)
	}
	mux.Handle("/", h.api.Remote())
	return mux
}

// alive returns why headquarters does not get on.
func (h *headquarters) alive() error {
	return cannotStore(h.intake.Status().Totals.Failed, h.store.Full())
}

// cannotStore returns why a new start is called for. A full disk is no reason: it would be as full then, and who asks, pulls or
// looks at the pages would find nobody.
func cannotStore(failed string, full bool) error {
	if failed == "" || full {
		return nil
	}
	return errors.New(failed)
}

// statusLine is what systemctl status shows.
func (h *headquarters) statusLine() string {
	t := h.intake.Status().Totals
	text := fmt.Sprintf("%d sites, %d connected, %d silent", t.Sites, t.Connected, t.Silent)
	if s, err := h.store.Stats(); err == nil {
		text += fmt.Sprintf("; journal %s of %s", web.Bytes(s.Used), web.Bytes(s.Budget))
	}
	if h.store.Full() {
		text += "; disk full: nothing is taken until there is room"
	}
	return text
}

// publicCertificate returns what consumers are shown, read anew when its file changes: they are renewed beside us.
func publicCertificate(cert, key string, logger *slog.Logger) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	if cert == "" {
		return nil, nil
	}
	f := &certificateFiles{cert: cert, key: key, logger: logger}
	if err := f.read(); err != nil {
		return nil, fmt.Errorf("the certificate for consumers: %w", err)
	}
	return f.get, nil
}
