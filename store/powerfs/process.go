package powerfs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// request is what the serving process is asked, answer what it says; see serve.
type request struct {
	Op     string
	Number uint64
	Torn   bool
	Folder string
}

type answer struct {
	Number int
	Error  string
}

// process is the running command serve.
type process struct {
	command *exec.Cmd
	stderr  bytes.Buffer

	mu       sync.Mutex
	stdin    io.WriteCloser
	requests *json.Encoder
	answers  *json.Decoder
}

// program is the built command serve, once a process. It is held open and already removed, so that nothing of it stays.
var program = sync.OnceValues(build)

func build() (*os.File, error) {
	folder, err := os.MkdirTemp("", "powerfs")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "serve")
	c := exec.Command("go", "build", "-o", path, "rackpost/store/powerfs/serve")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build rackpost/store/powerfs/serve: %w\n%s", err, out)
	}
	return os.Open(path)
}

// start runs the program and returns once it has mounted.
func start(serve *os.File, args ...string) (*process, error) {
	p := &process{command: exec.Command(fmt.Sprintf("/proc/self/fd/%d", serve.Fd()), args...)}
	p.command.Stderr = &p.stderr
	var err error
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	p.requests, p.answers = json.NewEncoder(p.stdin), json.NewDecoder(stdout)
	if _, err := p.answer(); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func (p *process) ask(r request) (number int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.requests.Encode(r); err != nil {
		return 0, fmt.Errorf("ask powerfs: %w", err)
	}
	return p.answer()
}

func (p *process) answer() (number int, err error) {
	var a answer
	if err := p.answers.Decode(&a); err != nil {
		return 0, fmt.Errorf("powerfs does not answer: %w", err)
	}
	if a.Error != "" {
		return 0, errors.New(a.Error)
	}
	return a.Number, nil
}

// stop makes the process unmount and end, and waits for it.
func (p *process) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stdin.Close()
	_ = p.command.Process.Signal(syscall.SIGCONT) // it may be stalled
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("powerfs ended: %w: %s", err, p.stderr.String())
	}
	return nil
}
