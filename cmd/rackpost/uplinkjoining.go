package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"rackpost/web"
)

const (
	// joiningQuiet is how long a joining takes that needs no word.
	joiningQuiet = 2 * time.Second
	// joiningAgain is how long the same word is good for.
	joiningAgain = 10 * time.Second
)

// tellJoining tells on w, until told is called, who is asked to let the site in and does not answer within quiet, and how long it is.
func tellJoining(ctx context.Context, w io.Writer, c *client, quiet time.Duration) (told func()) {
	ctx, cancel := context.WithCancel(ctx)
	joined := make(chan struct{})
	go func() {
		defer close(joined)
		began := time.Now()
		tick := time.NewTicker(quiet)
		defer tick.Stop()
		var last uplinkAsking
		var said time.Time
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			var v uplinkView
			asker := newClient(c.socket)
			asker.http.Timeout = statusTimeout
			if err := asker.get(ctx, uplinkPath, nil, &v); err != nil || v.Joining == nil || ctx.Err() != nil {
				continue
			}
			if *v.Joining == last && time.Since(said) < joiningAgain {
				continue
			}
			last, said = *v.Joining, time.Now()
			fmt.Fprintf(w, "%s by %s does not answer yet: asked for %s, at most %s\n", plain(last.URL), plain(last.Way), web.Ago(time.Since(began)), web.Ago(pairTime))
		}
	}()
	return func() { cancel(); <-joined }
}
