package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// statusInterval is how often the status line of systemctl status is renewed.
const statusInterval = 10 * time.Second

// notifier tells systemd how the service is. Without systemd it does nothing.
type notifier struct {
	status   func() string
	alive    func() error // why the service does not get on; nil: it does
	stopping func() bool  // whether the process ends with Run; nil: it does
	logger   *slog.Logger
}

// reopenTime is how long it may take to take all up anew in place.
const reopenTime = 10 * time.Minute

// Run says READY, then STATUS, and WATCHDOG as long as the service is alive, until ctx
// ends; then STOPPING, unless the process goes on.
func (n notifier) Run(ctx context.Context) error {
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		n.logger.Warn("the watchdog of systemd is not served", "error", err)
	}
	interval := statusInterval
	if watchdog > 0 {
		interval = min(interval, watchdog/3)
	}
	n.send("READY=1", "STATUS="+n.status())
	if watchdog > 0 {
		n.send(fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()))
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		n.beat(watchdog > 0)
		select {
		case <-ctx.Done():
			n.leave(watchdog > 0)
			return nil
		case <-tick.C:
		}
	}
}

// leave says that the process ends, or that it takes all up anew, in which the watchdog has patience.
func (n notifier) leave(watchdog bool) {
	switch {
	case n.stopping == nil || n.stopping():
		n.send("STOPPING=1", "STATUS=stopping")
	case watchdog:
		n.send(fmt.Sprintf("WATCHDOG_USEC=%d", reopenTime.Microseconds()), "WATCHDOG=1", "STATUS=opening anew")
	default:
		n.send("STATUS=opening anew")
	}
}

// beat renews the status line and, if the service gets on, the watchdog. It is not a
// heartbeat of its own: when the poller or the store stands still systemd starts us anew.
func (n notifier) beat(watchdog bool) {
	if err := n.alive(); err != nil {
		n.logger.Error("the service stands still", "error", err)
		n.send("STATUS=stands still: " + oneLine(err.Error()))
		return
	}
	if watchdog {
		n.send("WATCHDOG=1", "STATUS="+n.status())
	} else {
		n.send("STATUS=" + n.status())
	}
}

// reloading brackets a reload: systemctl reload returns when done is called.
func (n notifier) reloading() (done func()) {
	n.send(daemon.SdNotifyReloading, daemon.SdNotifyMonotonicUsec())
	return func() { n.send("READY=1", "STATUS="+n.status()) }
}

func (n notifier) send(lines ...string) {
	for i, l := range lines {
		lines[i] = strings.TrimSuffix(l, "\n")
	}
	if _, err := daemon.SdNotify(false, strings.Join(lines, "\n")); err != nil {
		n.logger.Warn("tell systemd", "error", fmt.Errorf("notify: %w", err))
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
