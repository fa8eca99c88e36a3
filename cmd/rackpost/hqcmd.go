package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"rackpost/hw"
	"rackpost/replicate/ship"
	"rackpost/store"
)

func hqCommand() command {
	return command{
		name: "hq",
		args: "-config hq.yaml | enroll SITE | sites | pause SITE | slow SITE RATE | facts-only SITE | resume SITE | revoke SITE | forget SITE",
		does: "headquarters: takes the records of many sites, every one once, and gives them to whoever pulls",
		help: `  -config hq.yaml  run headquarters; hq.yaml has name:, data: and urls:. On SIGHUP it reads remote_write: again
  enroll SITE      print the one-time token with which a site joins, and the command for its box
  sites            every site: heard when, how far behind, what it brought, what was refused and why
  pause SITE       let a site keep its records to itself until resume
  slow SITE RATE   let it send what is behind no faster than RATE a second, such as 50kB; what is new goes on
  facts-only SITE  take its facts and nothing else until resume
  resume SITE      take all of it again, as fast as it comes
  revoke SITE      let it send no more; what it sent stays
  forget SITE      take it out of the register, so that its name is free; or a token that nobody joined with; what it sent stays

  -again           with enroll: it joined already, and is to join anew
  -data            with forget: what it sent is dropped too; also later, by the id that sites tells
  -why TEXT        with pause, slow, facts-only and revoke: the reason, which the site is told
  -json            print one JSON object; with enroll and sites
  -socket PATH     of headquarters; else $RACKPOST_SOCKET, else ` + defaultHQSocket + `

rackpost consumer makes the tokens for who pulls. Exit code of sites 0: all is well; 3: something is to be seen to.`,
		run: runHQ,
	}
}

// hqFlags are the flags and arguments of hq.
type hqFlags struct {
	config, socket, why string
	json, again, data   bool
	verb                string
	args                []string
	t                   terminal
	client              *client
}

// hqVerbs are what may be asked, with how many arguments.
var hqVerbs = map[string]struct {
	args int
	do   func(*hqFlags, context.Context) error
}{
	"enroll": {1, (*hqFlags).enroll}, "sites": {0, (*hqFlags).sites}, "pause": {1, (*hqFlags).pause}, "slow": {2, (*hqFlags).slow},
	"facts-only": {1, (*hqFlags).factsOnly}, "resume": {1, (*hqFlags).resume}, "revoke": {1, (*hqFlags).revoke}, "forget": {1, (*hqFlags).forget},
}

const hqVerbList = "enroll, sites, pause, slow, facts-only, resume, revoke or forget"

func runHQ(ctx context.Context, t terminal, args []string) error {
	f := hqFlags{t: t}
	fs := flag.NewFlagSet("hq", flag.ContinueOnError)
	fs.StringVar(&f.config, "config", "", "")
	fs.StringVar(&f.socket, "socket", "", "")
	fs.StringVar(&f.why, "why", "", "")
	fs.BoolVar(&f.json, "json", false, "")
	fs.BoolVar(&f.again, "again", false, "")
	fs.BoolVar(&f.data, "data", false, "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		if f.config == "" {
			return usagef("name hq.yaml to run headquarters: -config hq.yaml; or say what: %s", hqVerbList)
		}
		return runHeadquartersCut(ctx, t, f.config, store.Options{}, hqCuts{})
	}
	f.verb, f.args = rest[0], rest[1:]
	verb, known := hqVerbs[f.verb]
	switch {
	case !known:
		return usagef("%q is none of %s", shorten(f.verb), hqVerbList)
	case len(f.args) != verb.args && f.verb == "slow":
		return usagef("hq slow takes the name of a site and a rate, such as 50kB")
	case len(f.args) < verb.args:
		return usagef("hq %s takes the name of a site", f.verb)
	case len(f.args) > verb.args:
		return usagef("hq %s: %q is too much", f.verb, shorten(f.args[verb.args]))
	case f.again && f.verb != "enroll", f.data && f.verb != "forget":
		return usagef("-again goes with enroll, -data with forget")
	case f.json && f.verb != "enroll" && f.verb != "sites":
		return usagef("-json goes with enroll and sites")
	case f.why != "" && f.verb != "pause" && f.verb != "slow" && f.verb != "facts-only" && f.verb != "revoke":
		return usagef("-why goes with pause, slow, facts-only and revoke")
	}
	if f.socket == "" && os.Getenv("RACKPOST_SOCKET") == "" {
		f.socket = defaultHQSocket
		if f.config != "" {
			cfg, err := loadHQ(f.config)
			if err != nil {
				return toldPlaces(t, err)
			}
			f.socket = cfg.socket
		}
	}
	f.client = newClient(f.socket)
	return verb.do(&f, ctx)
}

// hqCuts are where the demo gets between headquarters and the world. Nil is the world itself.
type hqCuts struct {
	listen  func(ctx context.Context, path, address string) (net.Listener, error)
	running func(*headquarters) // it is about to run
}

// runHeadquartersCut runs until ctx ends, with somebody between headquarters and the world.
func runHeadquartersCut(ctx context.Context, t terminal, file string, opt store.Options, cuts hqCuts) error {
	cfg, err := loadHQ(file)
	if err != nil {
		return toldPlaces(t, err)
	}
	signal.Ignore(syscall.SIGPIPE)
	hangUp := make(chan os.Signal, 1) // before anything is ready: a SIGHUP that nobody waits for would end the process
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	logger := newLogger(cfg.boxConfig, t.err)
	return live(ctx, cfg.data, logger, func(ctx context.Context) error {
		h, err := openHeadquarters(ctx, cfg, opt, logger)
		if err != nil {
			return err
		}
		h.cuts, h.file, h.hangUp = cuts, file, hangUp
		if cuts.running != nil {
			cuts.running(h)
		}
		return errors.Join(h.Run(ctx, func() bool { return ctx.Err() != nil }), h.store.Close())
	})
}

func (f *hqFlags) post(ctx context.Context, verb string, o hqOrder, answer any) error {
	return f.client.post(ctx, hqPath+"/"+verb, o, answer)
}

func (f *hqFlags) enroll(ctx context.Context) error {
	var inv siteInvited
	if err := f.post(ctx, "enroll", hqOrder{Site: f.args[0], Again: f.again}, &inv); err != nil {
		return err
	}
	if f.json {
		return printJSON(f.t.out, inv)
	}
	_, err := fmt.Fprintf(f.t.out, "%s may join until %s, once. On a box of it:\n\n  rackpost uplink join %s %s\n", plain(inv.Site), clockText(inv.Expires), strings.Join(inv.URLs, " "), inv.Token)
	return err
}

// setPace asks for a pace of the site.
func (f *hqFlags) setPace(ctx context.Context, p ship.Pace, then string) error {
	p.Why = f.why
	var done hqPaced
	if err := f.post(ctx, "pace", hqOrder{Site: f.args[0], Pace: p}, &done); err != nil {
		return err
	}
	if done.HeldBack != "" {
		then = "is held back all the same: " + done.HeldBack
	}
	if !done.Connected {
		then += "; it is not connected now, and hears of it when it is"
	}
	_, err := fmt.Fprintf(f.t.out, "%s %s\n", plain(f.args[0]), plain(then))
	return err
}

func (f *hqFlags) pause(ctx context.Context) error {
	return f.setPace(ctx, ship.Pace{Paused: true}, "keeps its records to itself until rackpost hq resume "+siteWord(f.args[0]))
}

func (f *hqFlags) factsOnly(ctx context.Context) error {
	return f.setPace(ctx, ship.Pace{FactsOnly: true}, "sends facts only, until rackpost hq resume "+siteWord(f.args[0]))
}

func (f *hqFlags) slow(ctx context.Context) error {
	n, err := parseSize(f.args[1])
	if err != nil {
		return usagef("hq slow: %q is no rate; write how many bytes a second, such as 50kB or 2MB", shorten(f.args[1]))
	}
	if n < 1000 {
		return usagef("hq slow: %s a second is too little; 1kB is the least, and rackpost hq pause stops it", shorten(f.args[1]))
	}
	return f.setPace(ctx, ship.Pace{BytesPerSecond: uint64(n)}, "sends what is behind at "+f.args[1]+" a second at most")
}

func (f *hqFlags) resume(ctx context.Context) error {
	return f.setPace(ctx, ship.Pace{}, "sends all of it, as fast as it comes")
}

func (f *hqFlags) revoke(ctx context.Context) error {
	var done hqRevoked
	if err := f.post(ctx, "revoke", hqOrder{Site: f.args[0], Why: f.why}, &done); err != nil {
		return err
	}
	how := "sends no more"
	if done.Before != "" {
		how = "was revoked already " + plain(done.Before)
	}
	_, err := fmt.Fprintf(f.t.out, "%s %s; rackpost hq enroll %s -again lets it join anew\n", plain(f.args[0]), how, siteWord(f.args[0]))
	return err
}

func (f *hqFlags) forget(ctx context.Context) error {
	var done hqForgotten
	if err := f.post(ctx, "forget", hqOrder{Site: f.args[0], Data: f.data}, &done); err != nil {
		return err
	}
	text := "%s is forgotten; what it sent stays\n"
	switch {
	case done.Token:
		text = "the token of %s is void; no site had joined with it\n"
	case f.data:
		text = "%s is forgotten; what it sent is dropped\n"
	}
	_, err := fmt.Fprintf(f.t.out, text, plain(f.args[0]))
	return err
}

// siteWord is the name of a site as a command takes it.
func siteWord(name string) string { return hw.ShellWord(plain(name)) }

// clockText writes a time as people read it here.
func clockText(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
