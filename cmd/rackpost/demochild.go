package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"rackpost/replicate/mode"
)

// demoStop is how long an orderly end of a member may take: that of the demo takes 5 s at most.
const demoStop = 4 * time.Second

// labMember is a box or the witness of a demo, as the demo sees it.
type labMember struct {
	lab    *demoLab
	name   string
	role   mode.Role
	paths  []netip.AddrPort // the LAN, the direct cable
	config string
	data   string
	socket string
	page   netip.AddrPort
	client *client
	again  atomic.Int64 // when it is started again, nanoseconds since 1970

	mu     sync.Mutex // guards what follows
	cables []byte     // the last order about them: a member that starts again is on the same cables
	run    *labRun    // nil: it does not run
}

// labRun is one process of a member.
type labRun struct {
	command *exec.Cmd
	orders  io.WriteCloser
	ended   chan struct{} // closed when it has, and all that it said was heard
}

// start starts the process. Its death takes nothing else with it, and this one's death takes it along.
func (m *labMember) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.run != nil {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{os.Args[0], "demo", "member", "-config", m.config}
	if m.role == mode.Witness {
		args = append(args, "-witness")
	}
	if m == m.lab.hq {
		args = append(args, "-hq")
	}
	c := exec.Command(self)
	c.Args = args
	c.Env = append(os.Environ(), "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "JOURNAL_STREAM=", "RACKPOST_SOCKET=")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true} // Ctrl-C is for this process
	log, err := os.OpenFile(m.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	c.Stderr = log
	orders, err := c.StdinPipe()
	if err != nil {
		return err
	}
	said, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return fmt.Errorf("start %s: %w", m.name, err)
	}
	run := &labRun{command: c, orders: orders, ended: make(chan struct{})}
	m.run = run
	if m.cables != nil {
		_, _ = orders.Write(m.cables)
	}
	go m.listen(run, said) // it ends with the process, for which stop and kill wait
	return nil
}

func (m *labMember) logFile() string { return filepath.Join(m.lab.scratch, m.name+".log") }

// listen hears what the process says until it ends.
func (m *labMember) listen(run *labRun, said io.Reader) {
	lines := bufio.NewScanner(said)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var n memberNews
		if json.Unmarshal(lines.Bytes(), &n) == nil {
			m.lab.heard(m, n)
		}
	}
	_ = run.command.Wait() // how it ended its log tells
	m.lab.heard(m, memberNews{At: monotonic(), Ended: true})
	m.mu.Lock()
	m.run = nil
	m.mu.Unlock()
	close(run.ended)
}

// pid is that of the running process, 0 when there is none.
func (m *labMember) pid() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.run == nil {
		return 0
	}
	return m.run.command.Process.Pid
}

// order tells the process something; one that does not run learns of its cables when it does.
func (m *labMember) order(o memberOrder) {
	b, _ := json.Marshal(o) // it always can be
	b = append(b, '\n')
	m.mu.Lock()
	defer m.mu.Unlock()
	if o.Cables != nil {
		m.cables = b
	}
	if m.run != nil {
		_, _ = m.run.orders.Write(b)
	}
}

func (m *labMember) running() *labRun {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.run
}

// kill ends the process as a power cut does, and returns when it is gone.
func (m *labMember) kill() {
	if run := m.running(); run != nil {
		_ = run.command.Process.Kill()
		<-run.ended
	}
}

// stop ends the process in order; it returns an error when that takes too long.
func (m *labMember) stop() error {
	run := m.running()
	if run == nil {
		return nil
	}
	_ = run.orders.Close()
	select {
	case <-run.ended:
		return nil
	case <-time.After(demoStop):
		m.kill()
		return fmt.Errorf("%s did not end within %s", m.name, shortDuration(demoStop))
	}
}

// stopAll stops every member at once.
func (l *demoLab) stopAll() error {
	errs := make([]error, len(l.everyone()))
	var tasks sync.WaitGroup
	for i, m := range l.everyone() {
		tasks.Go(func() { errs[i] = m.stop() })
	}
	tasks.Wait()
	return errors.Join(errs...)
}
