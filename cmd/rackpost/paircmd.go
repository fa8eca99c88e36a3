package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
	"rackpost/web"
)

func pairCommand() command {
	return command{
		name: "pair",
		args: "init | token | join TOKEN ADDRESS | status | leave [NAME] | replace NAME | transfer [NAME] | takeover",
		does: "two boxes and one watch: set a pair up, see how it stands, change who belongs to it",
		help: pairHelp(),
		run:  runPair,
	}
}

const defaultConfig = "/etc/rackpost/box.yaml"

// pairFlags are the flags and arguments of pair.
type pairFlags struct {
	config, socket, why           string
	json, witness, yes, peerIsOff bool
	verb                          string
	args                          []string
	t                             terminal
	client                        *client
	host                          *pairHost // of FILE, beside the process
}

// pairVerbs are what may be asked, with how many arguments.
var pairVerbs = map[string]struct {
	least, most int
	do          func(*pairFlags, context.Context) error
}{
	"init": {0, 0, (*pairFlags).init}, "token": {0, 0, (*pairFlags).token}, "join": {2, 9, (*pairFlags).join}, "status": {0, 0, (*pairFlags).status},
	"leave": {0, 1, (*pairFlags).leave}, "replace": {1, 1, (*pairFlags).replace}, "transfer": {0, 1, (*pairFlags).transfer}, "takeover": {0, 0, (*pairFlags).takeover},
}

func runPair(ctx context.Context, t terminal, args []string) error {
	f := pairFlags{t: t}
	fs := flag.NewFlagSet("pair", flag.ContinueOnError)
	fs.StringVar(&f.config, "config", "", "")
	fs.StringVar(&f.socket, "socket", "", "")
	fs.StringVar(&f.why, "why", "", "")
	fs.BoolVar(&f.json, "json", false, "")
	fs.BoolVar(&f.witness, "witness", false, "")
	fs.BoolVar(&f.yes, "yes", false, "")
	fs.BoolVar(&f.peerIsOff, "peer-is-off", false, "")
	rest, err := parseFlags(fs, args)
	if errors.Is(err, flag.ErrHelp) && printPairVerb(t.out, args) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return usagef("say what: init, token, join, status, leave, replace, transfer or takeover")
	}
	f.verb, f.args = rest[0], rest[1:]
	verb, known := pairVerbs[f.verb]
	switch {
	case !known:
		return usagef("%q is none of init, token, join, status, leave, replace, transfer and takeover", shorten(f.verb))
	case f.verb == "join" && len(f.args) < verb.least:
		return usagef("pair join takes the token and the address of the box that printed it")
	case len(f.args) < verb.least:
		return usagef("pair %s takes the name of a member; rackpost pair status lists them", f.verb)
	case len(f.args) > verb.most:
		return usagef("pair %s: %q is too much", f.verb, shorten(f.args[verb.most]))
	case f.witness && f.verb != "token":
		return usagef("-witness goes with token")
	case f.peerIsOff && f.verb != "takeover", f.yes && f.verb != "takeover" && f.verb != "leave":
		return usagef("-yes goes with leave and takeover, -peer-is-off with takeover")
	case f.why != "" && f.verb != "takeover":
		return usagef("-why goes with takeover")
	}
	if err := f.open(); err != nil {
		return toldPlaces(t, err)
	}
	return verb.do(&f, ctx)
}

// open finds the process by its socket and, where one is named or there is the usual one, its configuration.
func (f *pairFlags) open() error {
	file := f.config
	if file == "" {
		file = defaultConfig
	}
	data, err := readConfigFile(file, place{})
	if err != nil {
		if f.config != "" {
			return err
		}
		f.client = newClient(f.socket)
		f.client.http.Timeout = 2 * pairTime
		return nil
	}
	logger := slog.New(slog.NewTextHandler(f.t.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	f.host = &pairHost{file: file, role: mode.Box, env: secretSource{getenv: os.Getenv}, logger: logger}
	if witnessList.Match(data) {
		f.host.role = mode.Witness
		var w witnessConfig
		w, err = parseWitness(file, data)
		f.host.box = w.boxConfig
	} else {
		f.host.box, err = parseBox(file, data)
	}
	if err != nil {
		return err
	}
	if f.socket == "" && os.Getenv("RACKPOST_SOCKET") == "" {
		f.socket = f.host.box.socket
	}
	f.client = newClient(f.socket)
	f.client.http.Timeout = 2 * pairTime
	return nil
}

// ask has the process do it; without one, beside does it, nil being impossible.
func (f *pairFlags) ask(ctx context.Context, body, answer any, beside func() error) error {
	err := f.client.post(ctx, pairPath+"/"+f.verb, body, answer)
	if !isAbsent(err) {
		return err
	}
	switch {
	case beside == nil:
		return err
	case f.host == nil:
		return fmt.Errorf("%w; or name box.yaml with -config, and this command does it", err)
	}
	err = beside()
	if text, refused := strings.CutPrefix(fmt.Sprint(err), errPairRefused.Error()+": "); refused {
		return errors.New(text)
	}
	return err
}

// isAbsent says that no process answers at the socket.
func isAbsent(err error) bool {
	var absent *absentError
	return errors.As(err, &absent)
}

func (f *pairFlags) init(ctx context.Context) error {
	var came founded
	if err := f.ask(ctx, struct{}{}, &came, func() (err error) { came, err = f.host.init(ctx, person()); return }); err != nil {
		return toldPlaces(f.t, err)
	}
	if !came.Running {
		if f.json {
			return printJSON(f.t.out, came)
		}
		fmt.Fprintf(f.t.out, "%s is the first box of a pair%s\nStart the appliance, then rackpost pair token prints what the other box needs.\n", came.Name, secretsTaken(came.Secrets))
		return nil
	}
	if !f.json {
		fmt.Fprintf(f.t.out, "%s is the first box of a pair%s\n", came.Name, secretsTaken(came.Secrets))
	}
	f.verb = "token"
	return f.tokenOnceUp(ctx)
}

func secretsTaken(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("; it keeps %d %s, which site.yaml now asks for as {secret: NAME}: %s", len(names), plural(len(names), "secret", "secrets"), strings.Join(names, ", "))
}

// tokenOnceUp asks for a token while the process opens anew.
func (f *pairFlags) tokenOnceUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*pairTime)
	defer cancel()
	for {
		var came invited
		err := f.client.post(ctx, pairPath+"/token", tokenOrder{mode.Box}, &came)
		if err == nil {
			return f.tellToken(came)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the pair is made, and no token yet: %w; rackpost pair token makes one", err)
		}
		pause(ctx, 300*time.Millisecond)
	}
}

func (f *pairFlags) token(ctx context.Context) error {
	role := mode.Box
	if f.witness {
		role = mode.Witness
	}
	var came invited
	if err := f.ask(ctx, tokenOrder{role}, &came, nil); err != nil {
		return err
	}
	return f.tellToken(came)
}

func (f *pairFlags) tellToken(came invited) error {
	if f.json {
		return printJSON(f.t.out, came)
	}
	config := ""
	if came.Role == mode.Witness.String() {
		config = " -config /etc/rackpost/witness.yaml"
	}
	_, err := fmt.Fprintf(f.t.out, "On the other machine, until %s, once:\n\n  rackpost pair join%s %s %s\n\n", came.Expires.Local().Format("15:04:05"), config, came.Token, strings.Join(came.Addresses, " "))
	return err
}

func (f *pairFlags) join(ctx context.Context) error {
	var came joined
	o := joinOrder{Token: f.args[0], Addresses: f.args[1:]}
	if _, err := trust.ParseToken(o.Token); err != nil {
		return err
	}
	if err := f.ask(ctx, o, &came, func() (err error) { came, err = f.host.join(ctx, o); return }); err != nil {
		return err
	}
	if came.Running {
		f.awaitReopened(ctx, true)
	}
	if f.json {
		return printJSON(f.t.out, came)
	}
	next := "start it"
	if came.Running {
		next = "it goes on as such; rackpost pair status tells how far it is"
	}
	_, err := fmt.Fprintf(f.t.out, "%s is a member of the pair of %s: %s\n", came.Name, strings.Join(came.Members, " and "), next)
	return err
}

// reopenPatience is how long a command waits for the process to take up what it did; a large journal takes longer to open.
const reopenPatience = 20 * time.Second

// awaitReopened returns when the process is in a pair, or in none, or after a while.
func (f *pairFlags) awaitReopened(ctx context.Context, paired bool) {
	ctx, cancel := context.WithTimeout(ctx, reopenPatience)
	defer cancel()
	for ctx.Err() == nil {
		err := f.client.get(ctx, pairPath, nil, &web.Pair{})
		if err == nil && paired || err != nil && !paired && !isAbsent(err) && strings.Contains(err.Error(), noPair) {
			return
		}
		pause(ctx, 100*time.Millisecond)
	}
}

func (f *pairFlags) status(ctx context.Context) error {
	var v web.Pair
	if err := f.client.get(ctx, pairPath, nil, &v); err != nil {
		return err
	}
	if f.json {
		return printJSON(f.t.out, v)
	}
	if err := printPair(f.t.out, v); err != nil {
		return err
	}
	if len(v.Alarms) > 0 || len(v.Conflicts) > 0 || v.Lonely() {
		return &exitError{exitWarning}
	}
	return nil
}

func (f *pairFlags) leave(ctx context.Context) error {
	o := leaveOrder{Yes: f.yes}
	if len(f.args) == 1 {
		o.Name = f.args[0]
	}
	if err := f.sureToLeave(cmp.Or(o.Name, "this machine")); err != nil {
		return err
	}
	var came left
	if err := f.ask(ctx, o, &came, nil); err != nil {
		return err
	}
	if came.Running {
		f.awaitReopened(ctx, false)
	}
	if f.json {
		return printJSON(f.t.out, came)
	}
	return f.tellLeft(came)
}

// leaveWord is what a person types who means it.
const leaveWord = "leave"

// sureToLeave asks a person at a terminal whether it is meant; a script means what it says.
func (f *pairFlags) sureToLeave(who string) error {
	if in, ok := f.t.in.(*os.File); f.yes || !ok || terminalOf(in) < 0 {
		return nil
	}
	fmt.Fprintf(f.t.err, "Then %s is in the pair no more; to bring it back takes a new token. Its records are kept.\nType: %s\n", plain(who), leaveWord)
	word, err := f.typed()
	if err == nil && word != leaveWord {
		err = errors.New("nothing was done: that is not what was asked for")
	}
	return err
}

// typed returns the next line that a person types.
func (f *pairFlags) typed() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(f.t.in, 256)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimSpace(line), err
}

func (f *pairFlags) tellLeft(came left) error {
	fmt.Fprintf(f.t.out, "%s is in the pair no more\n", came.Name)
	if came.Resumes != "" {
		fmt.Fprintf(f.t.out, "it goes on with %s, the site: of box.yaml, which may be older than what the pair agreed on: compare it with its last configuration\n", came.Resumes)
	}
	if came.Site != "" {
		fmt.Fprintf(f.t.out, "its last configuration is %s; the secrets are not kept here: to use it as site: of box.yaml write {file: PATH} or {credential: NAME} for each {secret: NAME}\n", came.Site)
	}
	return nil
}

func (f *pairFlags) replace(ctx context.Context) error {
	var came left
	if err := f.ask(ctx, leaveOrder{Name: f.args[0]}, &came, nil); err != nil {
		return err
	}
	if !f.json {
		fmt.Fprintf(f.t.out, "%s is in the pair no more; what only its lost disk had is not waited for any longer\n", came.Name)
	}
	f.verb = "token"
	return f.token(ctx)
}

func (f *pairFlags) transfer(ctx context.Context) error {
	o := leaveOrder{}
	if len(f.args) == 1 {
		o.Name = f.args[0]
	}
	var came left
	if err := f.ask(ctx, o, &came, nil); err != nil {
		return err
	}
	if f.json {
		return printJSON(f.t.out, came)
	}
	_, err := fmt.Fprintf(f.t.out, "%s leads now\n", came.Name)
	return err
}

// offWord is what a person types who made sure.
const offWord = "the other box is off"

func (f *pairFlags) takeover(ctx context.Context) error {
	var v web.Pair
	switch err := f.client.get(ctx, pairPath, nil, &v); {
	case err != nil:
		return err
	case v.Authority:
		return fmt.Errorf("%s has authority already: it is %s", plain(v.Self.Name), roleWords(v))
	}
	if !f.yes && !f.peerIsOff {
		fmt.Fprintf(f.t.err, "This box then goes on alone, in a new generation. If the other one is alive and still has authority, both make devices do\nthings, and what one of them agreed on is lost. Look at it first: is it off, or cut off for good?\nType: %s\n", offWord)
		word, err := f.typed()
		if err != nil {
			return err
		}
		if word != offWord {
			return errors.New("nothing was done: that is not what was asked for; in a script write -peer-is-off")
		}
	}
	if err := f.ask(ctx, takeOrder{f.why}, &struct{}{}, nil); err != nil {
		return err
	}
	if f.json {
		return printJSON(f.t.out, struct{}{})
	}
	_, err := fmt.Fprintln(f.t.out, "this box has authority now; when the other one comes back it gives way by itself and is caught up")
	return err
}
