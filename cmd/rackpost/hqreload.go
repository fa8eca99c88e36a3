package main

import (
	"context"
	"fmt"
	"reflect"
	"time"
)

// reloads takes the receivers of remote write of the hq.yaml of now at every SIGHUP, until ctx ends. What is wrong is not taken, and told.
func (h *headquarters) reloads(ctx context.Context, n notifier) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.hangUp:
		}
		done := n.reloading()
		if err := h.reload(ctx); err != nil {
			why := fmt.Sprintf("hq.yaml was refused at %s, the old one holds: %v", time.Now().Format(time.DateTime), err)
			h.refused.Store(&why)
			h.logger.Error("reload refused, the old configuration holds", "error", err)
		} else {
			h.refused.Store(nil)
			h.logger.Info("reloaded")
		}
		done()
	}
}

func (h *headquarters) reload(ctx context.Context) error {
	cfg, err := loadHQ(h.file)
	if err != nil {
		return err
	}
	rest := cfg
	if rest.writes = h.cfg.writes; !reflect.DeepEqual(rest, h.cfg) {
		h.logger.Warn("configuration", "at", h.file, "note", "it is not what this process began with; all but remote_write: takes a restart")
	}
	return h.writes.take(ctx, cfg.writes)
}
