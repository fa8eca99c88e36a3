package crashtest

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	dirVariable = "RACKPOST_CRASHTEST_DIR"

	// window bounds the random time from a child's start to its end.
	window = 300 * time.Millisecond
	// startWait bounds how long a child may take until it writes.
	startWait = time.Minute
	// ackPipe is the child's descriptor for acknowledgements, the first of exec.Cmd's ExtraFiles.
	ackPipe = 3
	// maxOutput bounds what is kept of a child's output, in bytes.
	maxOutput = 64 << 10
)

// runChild returns at once, except in a process that start has started, where it never does.
func runChild(t *testing.T, child Child) {
	t.Helper()
	dir := os.Getenv(dirVariable)
	if dir == "" {
		return
	}
	acks := os.NewFile(ackPipe, "acknowledgements")
	var one sync.Mutex
	ack := func(line string) {
		one.Lock()
		defer one.Unlock()
		if strings.ContainsRune(line, '\n') {
			panic("crashtest: an acknowledgement is one line")
		}
		if _, err := acks.WriteString(line + "\n"); err != nil {
			panic(fmt.Sprintf("crashtest: acknowledge: %v", err))
		}
	}
	ack("started")
	child(dir, ack)
	fmt.Fprintln(os.Stderr, "crashtest: the child returned before it was killed")
	os.Exit(3)
}

// process is one running child.
type process struct {
	command *exec.Cmd
	output  *tail
	started chan struct{} // closed when the child begins
	ended   chan struct{} // closed when it is gone
	acked   []string      // complete when ended is closed
}

func start(t *testing.T, dir string) *process {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{output: &tail{}, started: make(chan struct{}), ended: make(chan struct{})}
	p.command = exec.Command(os.Args[0], "-test.run="+pattern(t.Name()), "-test.count=1", "-test.timeout=5m")
	p.command.Env = append(os.Environ(), dirVariable+"="+dir, "TMPDIR="+t.TempDir())
	p.command.ExtraFiles = []*os.File{write}
	p.command.Stdout, p.command.Stderr = p.output, p.output
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = p.command.Start()
	write.Close()
	if err != nil {
		read.Close()
		t.Fatalf("start the child: %v", err)
	}
	go p.follow(read)
	t.Cleanup(func() { p.kill() })
	return p
}

// pattern makes -test.run choose exactly the test of this name.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}

// follow collects the acknowledgements until the child's end. A last line without its end was not acknowledged.
func (p *process) follow(acks *os.File) {
	defer close(p.ended)
	defer acks.Close()
	lines := bufio.NewReader(acks)
	if _, err := lines.ReadString('\n'); err == nil {
		close(p.started)
	}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		p.acked = append(p.acked, strings.TrimSuffix(line, "\n"))
	}
	_ = p.command.Wait() // killed or, after a power cut, ended in its own way
}

// runAWhile returns a random time after the child's start; it fails the test when the child ends by itself.
func (p *process) runAWhile(t *testing.T) {
	t.Helper()
	select {
	case <-p.started:
	case <-p.ended:
		t.Fatalf("the child ended before it started to write; its output:\n%s", p.output)
	case <-time.After(startWait):
		t.Fatalf("the child did not start to write within %v; its output:\n%s", startWait, p.output)
	}
	select {
	case <-time.After(rand.N(window)):
	case <-p.ended:
		t.Fatalf("the child ended by itself; its output:\n%s", p.output)
	}
}

// kill ends the child, waits for it, and returns what it acknowledged.
func (p *process) kill() []string {
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
	return p.acked
}

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *tail) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b.Write(p)
	if extra := o.b.Len() - maxOutput; extra > 0 {
		o.b.Next(extra)
	}
	return len(p), nil
}

func (o *tail) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
