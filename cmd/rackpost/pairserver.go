package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/enroll"
	"rackpost/replicate/mode"
	"rackpost/web"
)

const (
	pairPath     = "/pair"
	maxPairOrder = 2 << 20 // bytes of a body; a site.yaml is the greatest
	pairTime     = time.Minute
)

// handlePair adds what is asked of the machine as a member to the mux of the socket.
func (h *pairHost) handlePair(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1"+pairPath, func(w http.ResponseWriter, _ *http.Request) {
		p, err := h.inPair()
		if err != nil {
			failPair(w, err)
			return
		}
		tell(w, http.StatusOK, h.view(p))
	})
	mux.HandleFunc("POST /api/v1"+pairPath+"/init", pairOrder(h, func(ctx context.Context, who string, _ struct{}) (any, error) { return h.init(ctx, who) }))
	mux.HandleFunc("POST /api/v1"+pairPath+"/token", pairOrder(h, func(ctx context.Context, who string, o tokenOrder) (any, error) {
		if err := h.awaitFounded(ctx); err != nil {
			return nil, err
		}
		return h.token(ctx, o.Role, who)
	}))
	mux.HandleFunc("POST /api/v1"+pairPath+"/join", pairOrder(h, func(ctx context.Context, _ string, o joinOrder) (any, error) { return h.join(ctx, o) }))
	mux.HandleFunc("POST /api/v1"+pairPath+"/leave", pairOrder(h, func(ctx context.Context, who string, o leaveOrder) (any, error) { return h.leave(ctx, o, who) }))
	mux.HandleFunc("POST /api/v1"+pairPath+"/replace", pairOrder(h, func(ctx context.Context, who string, o leaveOrder) (any, error) { return h.replace(ctx, o, who) }))
	mux.HandleFunc("POST /api/v1"+pairPath+"/transfer", pairOrder(h, func(ctx context.Context, _ string, o leaveOrder) (any, error) {
		name, err := h.transfer(ctx, o.Name)
		return left{Name: name}, err
	}))
	mux.HandleFunc("POST /api/v1"+pairPath+"/takeover", pairOrder(h, func(ctx context.Context, who string, o takeOrder) (any, error) {
		return struct{}{}, h.takeover(ctx, o, who)
	}))
}

// tokenOrder is the body of POST /api/v1/pair/token.
type tokenOrder struct {
	Role mode.Role `json:"role"`
}

// view is what this machine knows of its pair, and of what it works with.
func (h *pairHost) view(p *pairing) web.Pair {
	v := p.view()
	if h.appliance != nil {
		now := h.appliance.agreed.Load()
		v.Site.Running, v.Site.Refused = now.version, now.refused
		v.Address = h.appliance.addressView()
	}
	return v
}

// pairOrder reads what is asked and has do do it in the name of the person at the other end.
func pairOrder[T any](h *pairHost, do func(ctx context.Context, who string, order T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var o T
		if !readOrder(w, r, maxPairOrder, &o) {
			return
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * pairTime))
		ctx, cancel := context.WithTimeout(r.Context(), pairTime)
		defer cancel()
		who := personOf(r)
		answer, err := do(ctx, who+"@"+h.box.name, o)
		if err != nil {
			h.logger.Warn("an order of a person", "path", r.URL.Path, "who", who, "err", err)
			failPair(w, err)
			return
		}
		h.logger.Info("an order of a person", "path", r.URL.Path, "who", who)
		tell(w, http.StatusOK, answer)
	}
}

// failPair answers with why not.
func failPair(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	text := err.Error()
	var refused *replicate.RefusedError
	var unwanted *enroll.Refusal
	switch {
	case errors.As(err, &unwanted):
		fail(w, http.StatusConflict, web.Problem{Error: unwanted.What, Hint: unwanted.Advice})
		return
	case errors.Is(err, errPairRefused):
		code, text = http.StatusConflict, strings.TrimPrefix(text, errPairRefused.Error()+": ")
	case errors.As(err, &refused):
		code, text = http.StatusConflict, strings.TrimPrefix(refused.Reason, "refused: ")
	case errors.Is(err, replicate.ErrNoAuthority):
		code = http.StatusServiceUnavailable
	}
	fail(w, code, web.Problem{Error: strings.TrimSuffix(text, ": "+replicate.ErrRefused.Error())})
}

// await serves the socket of a box that has no site and is in no pair, until it joins one or ctx ends.
func (h *pairHost) await(ctx context.Context) error {
	socket, err := listenSocket(ctx, h.box.socket)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	h.handlePair(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusServiceUnavailable, web.Problem{Error: "this box waits to join a pair and visits nothing", Hint: "rackpost pair join TOKEN ADDRESS, with what rackpost pair token printed on the other box"})
	})
	h.logger.Info("waits to join a pair: rackpost pair join", "name", h.box.name)
	return h.serveWith(ctx, socket, mux, func() string { return "waits to join a pair: rackpost pair join" })
}

// alive returns why this machine's part in its pair does not get on.
func (h *pairHost) alive() error {
	if h.pairing == nil {
		return nil
	}
	return h.pairing.alive()
}

// serveWith serves a socket and tells systemd the status until ctx ends.
func (h *pairHost) serveWith(ctx context.Context, socket net.Listener, handler http.Handler, status func() string) error {
	ctx, cancel := context.WithCancel(ctx)
	told := make(chan error, 1)
	n := notifier{status: status, alive: h.alive, stopping: h.stopping(), logger: h.logger}
	go func() { told <- n.Run(ctx) }()
	err := web.Serve(ctx, peers{socket}, handler, h.logger)
	cancel()
	return errors.Join(err, <-told)
}
