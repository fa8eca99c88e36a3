package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rackpost/replicate/mode"
	"rackpost/store"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts")

// patience bounds each wait of a script; no wait should take a tenth of it.
const patience = time.Minute

// TestMain lets the scripts run rackpost itself: this test binary under another name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rackpost": swiftMain, "fleet": fleetMain, "servers": serversMain, "hasty": hastyMain})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"RACKPOST_SOCKET", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM"} {
				e.Setenv(name, "")
			}
			e.Setenv("TMPDIR", e.WorkDir)
			return nil
		},
		Condition: func(c string) (bool, error) {
			if c == "snmpd" {
				_, err := findSNMPD()
				if err != nil && os.Getenv("RACKPOST_REQUIRE_TOOLS") != "" {
					return false, fmt.Errorf("snmpd is missing: apt-get install snmpd")
				}
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", c)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"append": appendLine, "capture": captureWord, "certificate": makeCertificate, "emptydir": emptyDir, "eventually": eventually, "expand": expand, "freeport": (&freePorts{}).set, "get": get, "getsafe": getSafe, "json": checkJSON, "settle": settle,
			"signal": signalProcess, "snmpd": startSNMPD, "systemd": startSystemd, "told": told,
		},
	})
}

// append FILE LINE adds a line to a file.
func appendLine(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0]) + args[1] + "\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// capture NAME REGEXP sets a variable to what the last standard output has for the expression's group.
func captureWord(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) != 2 {
		ts.Fatalf("%q matches nothing, or has not one group", args[1])
	}
	ts.Setenv(args[0], m[1])
}

// emptydir DIR fails if anything is in the folder.
func emptyDir(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(entries) > 0 {
		ts.Fatalf("%s holds %v", args[0], entries)
	}
}

// eventually REGEXP PROGRAM ARGS... runs the program until its output matches; with ! in front until it says something that does not.
func eventually(ts *testscript.TestScript, not bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP PROGRAM [ARGS]")
	}
	want, often := regexp.MustCompile("(?m)"+args[0]), "never"
	if not {
		often = "always"
	}
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		said := ts.ReadFile("stdout")
		out := said + ts.ReadFile("stderr")
		if want.MatchString(out) != not && (!not || said != "") {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%q %s matched; the last output (%v):\n%s", args[0], often, err, out)
		}
	}
}

// expand FILE... replaces $NAME in the files by the script's variables.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	for _, f := range args {
		text := os.Expand(ts.ReadFile(f), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(f), []byte(text), 0o600))
	}
}

// freePorts hands out ports, none twice. They are below those that the kernel gives to whoever connects or asks for any: one of these
// may be somebody's before it is listened on.
type freePorts struct{ given atomic.Uint32 }

const firstPort, mostPorts = 12000, 20000

// freeport NAME... sets each variable to a port that is free for UDP and TCP on 127.0.0.1.
func (p *freePorts) set(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		ts.Setenv(name, p.next(ts))
	}
}

func (p *freePorts) next(ts *testscript.TestScript) string {
	begin := uint32(os.Getpid()) * 257 // another process begins elsewhere
	for range mostPorts {
		address := fmt.Sprint("127.0.0.1:", firstPort+(begin+p.given.Add(1))%mostPorts)
		udp, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		ts.Check(udp.Close())
		if tcp, err := net.Listen("tcp", address); err == nil {
			ts.Check(tcp.Close())
			_, port, err := net.SplitHostPort(address)
			ts.Check(err)
			return port
		}
	}
	ts.Fatalf("no port is free")
	return ""
}

// get [STATUS] URL writes the body of the answer to standard output.
func get(ts *testscript.TestScript, _ bool, args []string) {
	want := "200"
	if len(args) == 2 {
		want, args = args[0], args[1:]
	}
	answer, err := http.Get(args[0])
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if !strings.HasPrefix(answer.Status, want) {
		ts.Fatalf("GET %s: %s\n%s", args[0], answer.Status, body)
	}
	fmt.Fprintf(ts.Stdout(), "%s", body)
}

// json KEY=TEXT... checks that the last standard output is one JSON object and that each key
// (a.b.0.c) has the text; TEXT * is anything.
func checkJSON(ts *testscript.TestScript, _ bool, args []string) {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	d.UseNumber()
	var root any
	ts.Check(d.Decode(&root))
	if d.More() {
		ts.Fatalf("more than one JSON value")
	}
	for _, a := range args {
		path, want, _ := strings.Cut(a, "=")
		got, err := lookUp(root, strings.Split(path, "."))
		ts.Check(err)
		if want != "*" && fmt.Sprint(got) != want {
			ts.Fatalf("%s is %v, want %s", path, got, want)
		}
	}
}

func lookUp(v any, path []string) (any, error) {
	for _, p := range path {
		switch x := v.(type) {
		case map[string]any:
			inner, ok := x[p]
			if !ok {
				return nil, fmt.Errorf("no key %q in %v", p, x)
			}
			v = inner
		case []any:
			var i int
			if _, err := fmt.Sscan(p, &i); err != nil || i >= len(x) {
				return nil, fmt.Errorf("no item %s in a list of %d", p, len(x))
			}
			v = x[i]
		default:
			return nil, fmt.Errorf("%q: %v has no parts", p, v)
		}
	}
	return v, nil
}

// swiftVariable says how long a member of a pair waits in a script before it votes, and one that took over before it acts.
const swiftVariable = "RACKPOST_TEST_SETTLE"

// shortVariable says in a script how long a certificate of a pair is good.
const shortVariable = "RACKPOST_TEST_CERTIFICATE"

// swiftMain is rackpost; in a script that sets swiftVariable the members of a pair wait for that time only, their certificates are
// good for shortVariable, where that is set, and nothing else is different.
func swiftMain() {
	settle, err := time.ParseDuration(os.Getenv(swiftVariable))
	if err != nil || len(os.Args) < 2 || os.Args[1] != "run" && os.Args[1] != "witness" {
		main()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cuts, t := pairCuts{timers: mode.DefaultTimers()}, terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	cuts.timers.Settle, cuts.timers.Quarantine = settle, settle
	if life, err := time.ParseDuration(os.Getenv(shortVariable)); err == nil {
		cuts.certificate = life
	}
	if os.Args[1] == "run" {
		err = runCut(ctx, t, os.Args[2:], store.Options{}, cuts)
	} else {
		err = runWitnessCut(ctx, t, os.Args[2:], cuts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitFailed)
	}
}

// settle waits for as long as a new member of a pair waits before it votes, and one that took over before it acts.
func settle(ts *testscript.TestScript, _ bool, _ []string) {
	d, err := time.ParseDuration(ts.Getenv(swiftVariable))
	ts.Check(err)
	time.Sleep(d)
}

// signal NAME SUBCOMMAND [ARG] sends a signal to the rackpost that runs in the background, of several to the last one that
// has ARG.
func signalProcess(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}
	for _, c := range slices.Backward(ts.BackgroundCmds()) {
		if len(c.Args) > 1 && c.Args[1] == args[1] && (len(args) < 3 || slices.Contains(c.Args, args[2])) {
			ts.Check(c.Process.Signal(signals[args[0]]))
			return
		}
	}
	ts.Fatalf("no rackpost %s runs in the background", args[1])
}

// mailbox is what a fake systemd was told.
type mailbox struct {
	mu    sync.Mutex
	lines []string
}

var mailboxes sync.Map // of scripts by name

// systemd listens for notifications; WATCHDOG_USEC asks for a sign each second.
func startSystemd(ts *testscript.TestScript, _ bool, _ []string) {
	path := filepath.Join(ts.Getenv("WORK"), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	ts.Check(err)
	m := &mailbox{}
	mailboxes.Store(ts.Name(), m)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 4096)
		for {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.lines = append(m.lines, strings.Split(string(b[:n]), "\n")...)
			m.mu.Unlock()
		}
	}()
	ts.Defer(func() {
		conn.Close()
		<-done
	})
	ts.Setenv("NOTIFY_SOCKET", path)
	ts.Setenv("WATCHDOG_USEC", "1000000")
}

// told REGEXP waits until systemd was told a line that matches, and forgets the lines up to it.
func told(ts *testscript.TestScript, _ bool, args []string) {
	v, ok := mailboxes.Load(ts.Name())
	if !ok {
		ts.Fatalf("no systemd was started")
	}
	m := v.(*mailbox)
	want := regexp.MustCompile(args[0])
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		m.mu.Lock()
		i := slices.IndexFunc(m.lines, want.MatchString)
		if i >= 0 {
			m.lines = m.lines[i+1:]
		}
		lines := slices.Clone(m.lines)
		m.mu.Unlock()
		if i >= 0 {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("systemd was never told %q, but:\n%s", args[0], strings.Join(lines, "\n"))
		}
	}
}

func findSNMPD() (string, error) {
	if path, err := exec.LookPath("snmpd"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/snmpd")
}

const snmpdConfig = `rocommunity secret 127.0.0.1
createUser reader SHA-256 "auth-key-1" AES "priv-key-1"
rouser reader authPriv
view narrow included .1.3.6.1.2.1.1
view narrow included .1.3.6.1.2.1.2
view narrow included .1.3.6.1.2.1.31
view ports included .1.3.6.1.2.1.2
view ports included .1.3.6.1.2.1.31
rocommunity narrow 127.0.0.1 -V narrow
createUser guest SHA-256 "auth-key-1" AES "priv-key-1"
rouser guest authPriv -V ports
sysName lab-agent
sysDescr Cisco IOS Software, C2960 Software
sysObjectID .1.3.6.1.4.1.9.1.1208
`

// snmpdModules are all that is needed. The others look at every mounted file system, and wait
// for one that does not answer.
const snmpdModules = "system_mib,snmpEngine,usmUser,usmConf,usmStats_5_5,snmpMPDStats_5_5,ifTable,ifXTable,vacm_conf,vacm_vars"

// snmpd PORT runs net-snmp's agent until the script ends.
func startSNMPD(ts *testscript.TestScript, _ bool, args []string) {
	path, err := findSNMPD()
	ts.Check(err)
	dir := filepath.Join(ts.Getenv("WORK"), "snmpd")
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(os.WriteFile(filepath.Join(dir, "snmpd.conf"), []byte(snmpdConfig), 0o600))
	var log bytes.Buffer
	c := exec.Command(path, "-f", "-Lo", "-C", "-c", filepath.Join(dir, "snmpd.conf"), "-I", snmpdModules, "-p", filepath.Join(dir, "pid"), "udp:127.0.0.1:"+args[0])
	c.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+dir, "SNMPCONFPATH="+dir, "MIBS=")
	c.Stdout, c.Stderr = &log, &log
	ts.Check(c.Start())
	ts.Defer(func() {
		_ = c.Process.Kill()
		_ = c.Wait() // says "killed"
	})
}
