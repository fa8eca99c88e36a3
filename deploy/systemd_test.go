package deploy_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds each wait; nothing here should take a tenth of it.
const patience = time.Minute

// maxRestarts is when the service is taken for one that never starts.
const maxRestarts = 5

const buildTags = "gosnmp_nodebug,osusergo,netgo,sqlite_omit_load_extension"

// dropIn changes of the unit only what a test needs: where the program is, no boot of the rest of the system, short times.
// A stop that takes longer than TimeoutStopSec would be ended by SIGKILL and be a failure.
const dropIn = `[Unit]
DefaultDependencies=no
[Service]
ExecStart=
ExecStart=/mnt/test/rackpost run -config /etc/rackpost/box.yaml
LoadCredential=community:/etc/rackpost/secrets/community
WatchdogSec=3
RestartSec=100ms
TimeoutStopSec=5
StandardOutput=append:/var/lib/output
StandardError=inherit
`

const boxYAML = `name: box-test
data: /var/lib/rackpost
site: site.yaml
listen: 127.0.0.1:%d
socket: /run/rackpost/rackpost.sock
budget: 1GB
`

// The device's address is one where nothing answers.
const siteYAML = `site: {id: 3b7f2c1e-8f0a-4a53-9d0e-5a1c7b9e4d21, name: test}
credentials:
  readonly: {community: {credential: community}}
devices:
  - {id: core-1, kind: cisco-catalyst, address: "%s", credentials: readonly}
`

// TestUnderSystemd starts the real program by the real unit under a real systemd.
func TestUnderSystemd(t *testing.T) {
	t.Parallel()
	s := boot(t)

	started := s.wait("to be ready", func(u unit) bool { return u["ActiveState"] == "active" })
	if started["StatusText"] == "" {
		started = s.wait("to tell its status", func(u unit) bool { return u["StatusText"] != "" })
	}
	t.Logf("status: %s", started["StatusText"])

	s.run("systemctl", "reload", "rackpost.service")
	reloaded := s.wait("to be ready after the reload", func(u unit) bool { return u["ActiveState"] == "active" })
	if reloaded["MainPID"] != started["MainPID"] {
		t.Errorf("a reload must not restart the program; it said:\n%s", s.output())
	}

	s.run("kill", "-STOP", started["MainPID"])
	again := s.wait("to be restarted by the watchdog", func(u unit) bool {
		return u["NRestarts"] != "0" && u["ActiveState"] == "active"
	})
	if again["MainPID"] == started["MainPID"] {
		t.Error("after the watchdog the same process runs")
	}

	s.run("systemctl", "stop", "rackpost.service")
	stopped := s.show()
	for property, want := range cleanStop {
		if stopped[property] != want {
			t.Errorf("after the stop %s is %q, want %q; it said:\n%s", property, stopped[property], want, s.output())
		}
	}
	s.run("/mnt/test/rackpost", "journal", "verify", "/var/lib/rackpost")
}

// cleanStop is what systemd tells of a program that ended in time and by itself, with 0.
var cleanStop = unit{"ActiveState": "inactive", "Result": "success", "ExecMainCode": "1", "ExecMainStatus": "0"}

// cannotBoot is boot.sh's exit code where the machine forbids what it needs.
const cannotBoot = 77

// unit holds properties of the service as systemctl show gives them.
type unit map[string]string

// system is a booted systemd.
type system struct {
	t      *testing.T
	folder string
	boot   *exec.Cmd
	pid    string        // of systemd, as this process sees it
	log    *bytes.Buffer // of systemd; read it after ended
	ended  chan struct{}
}

func boot(t *testing.T) *system {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("to boot a systemd takes root")
	}
	for _, tool := range []string{"/lib/systemd/systemd", "systemctl", "systemd-sysusers", "unshare", "nsenter"} {
		requireTool(t, tool)
	}
	if out, err := exec.Command("unshare", "--pid", "--mount", "--uts", "--ipc", "--cgroup", "--fork", "--mount-proc", "true").CombinedOutput(); err != nil {
		t.Skipf("this kernel or container lets nobody make namespaces: %v: %s", err, out)
	}
	s := &system{t: t, folder: prepare(t), log: &bytes.Buffer{}, ended: make(chan struct{})}
	s.boot = exec.Command("testdata/boot.sh", s.folder)
	s.boot.Stdout, s.boot.Stderr = s.log, s.log
	s.boot.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.boot.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		_ = s.boot.Wait() // its state is read after ended
	}()
	t.Cleanup(s.shutDown)
	s.pid = s.waitForInit()
	return s
}

// shutDown kills the systemd and so all it started. Only when the first process of the namespace is gone are the others.
func (s *system) shutDown() {
	if pid, err := strconv.Atoi(s.pid); err == nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	} else {
		_ = s.boot.Process.Kill()
	}
	<-s.ended
	s.removeCgroup()
}

// prepare makes the folder that boot.sh wants.
func prepare(t *testing.T) string {
	t.Helper()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web.Close()

	folder := t.TempDir()
	build := exec.Command("go", "build", "-tags", buildTags, "-o", filepath.Join(folder, "rackpost"), "../cmd/rackpost")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	for _, name := range []string{"rackpost.service", "rackpost.sysusers"} {
		writeFile(t, filepath.Join(folder, name), readFile(t, name))
	}
	writeFile(t, filepath.Join(folder, "test.conf"), dropIn)
	writeFile(t, filepath.Join(folder, "etc/box.yaml"), fmt.Sprintf(boxYAML, web.Addr().(*net.TCPAddr).Port))
	writeFile(t, filepath.Join(folder, "etc/site.yaml"), fmt.Sprintf(siteYAML, silent.LocalAddr()))
	writeFile(t, filepath.Join(folder, "etc/secrets/community"), "public\n")
	if err := os.Chmod(filepath.Join(folder, "etc/secrets/community"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// waitForInit returns the pid of the systemd below boot.sh once it takes commands, or skips the test if it cannot run here.
func (s *system) waitForInit() string {
	s.t.Helper()
	parent := s.boot.Process.Pid
	children := fmt.Sprintf("/proc/%d/task/%d/children", parent, parent)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		select {
		case <-s.ended:
			if s.boot.ProcessState.ExitCode() == cannotBoot {
				s.t.Skipf("systemd cannot be booted here: %s", s.log)
			}
			s.t.Fatalf("systemd ended: %v: %s", s.boot.ProcessState, s.log)
		case <-time.After(50 * time.Millisecond):
		}
		b, _ := os.ReadFile(children) // empty until unshare has forked
		pids := strings.Fields(string(b))
		if len(pids) == 1 && s.inside(pids[0], "systemctl", "show", "rackpost.service").Run() == nil {
			return pids[0]
		}
	}
	s.t.Fatalf("systemd took no command within %v", patience)
	return ""
}

// inside prepares a command in the namespaces of pid.
func (s *system) inside(pid string, command ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.t.Cleanup(cancel)
	return exec.CommandContext(ctx, "nsenter", append([]string{"-t", pid, "-p", "-m", "-u", "-i", "-C", "--"}, command...)...)
}

func (s *system) run(command ...string) string {
	s.t.Helper()
	out, err := s.inside(s.pid, command...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s\nthe service said:\n%s", strings.Join(command, " "), err, out, s.output())
	}
	return string(out)
}

func (s *system) show() unit {
	s.t.Helper()
	u := unit{}
	for line := range strings.Lines(s.run("systemctl", "show", "rackpost.service")) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		u[name] = value
	}
	return u
}

func (s *system) wait(what string, is func(unit) bool) unit {
	s.t.Helper()
	var u unit
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if u = s.show(); is(u) {
			return u
		}
		if restarts, _ := strconv.Atoi(u["NRestarts"]); restarts > maxRestarts {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("waited for the service %s; it is %s (%s); it said:\n%s", what, u["ActiveState"], u["Result"], s.output())
	return nil
}

// output is what the service printed.
func (s *system) output() string {
	b, _ := os.ReadFile(filepath.Join(s.folder, "lib/output")) // absent if it never ran
	return string(b)
}

// removeCgroup removes the cgroup boot.sh made, from its leaves up; its processes are gone.
func (s *system) removeCgroup() {
	b, err := os.ReadFile(filepath.Join(s.folder, "cgroup"))
	if err != nil {
		return // boot.sh did not get so far
	}
	var folders []string
	_ = filepath.WalkDir(strings.TrimSpace(string(b)), func(path string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			folders = append(folders, path)
		}
		return nil
	})
	slices.Reverse(folders)
	for _, folder := range folders {
		if err := os.Remove(folder); err != nil {
			s.t.Errorf("remove the cgroup: %v", err)
		}
	}
}
