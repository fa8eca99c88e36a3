package uplink_test

import (
	"bufio"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/replicate/uplink"
)

// proxy is a real CONNECT proxy. It lets through to one address only.
type proxy struct {
	url      string
	to       string
	password string // of user "box"; empty: nobody is asked
	connects atomic.Int64
	wg       sync.WaitGroup
	says     string // instead of what it should

	cut atomic.Bool // the line behind it
}

func (p *proxy) whole() bool { return !p.cut.Load() }

// fragile is a connection of which nothing is heard any more once something came while the line was cut: its
// next try is minutes away.
type fragile struct {
	io.Reader
	p *proxy
}

func (f fragile) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	if f.p.whole() {
		return n, err
	}
	for err == nil {
		_, err = f.Reader.Read(b)
	}
	return 0, err
}

func newProxy(t *testing.T, to, password string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{url: "http://" + l.Addr().String(), to: strings.TrimPrefix(to, "https://"), password: password}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close() })
	return p
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	answer := func(status string) { _, _ = io.WriteString(c, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n") }
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("box:"+p.password))
	switch {
	case p.says != "":
		_, _ = io.WriteString(c, p.says)
		return
	case req.Method != http.MethodConnect:
		answer("405 Method Not Allowed")
		return
	case p.password != "" && req.Header.Get("Proxy-Authorization") != want:
		answer("407 Proxy Authentication Required")
		return
	case req.Host != p.to:
		answer("403 Forbidden")
		return
	}
	if !p.whole() {
		_, _ = r.ReadByte() // until the box gives up: the proxy's own calls come ever more seldom
		return
	}
	out, err := net.Dial("tcp", p.to)
	if err != nil {
		answer("502 Bad Gateway")
		return
	}
	defer out.Close()
	p.connects.Add(1)
	_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(out, fragile{r, p})
		_ = out.Close()
	}()
	_, _ = io.Copy(c, fragile{out, p})
	_ = c.Close()
	<-done
}

func (p *proxy) with(user string) string {
	return strings.Replace(p.url, "http://", "http://"+user+"@", 1)
}

func TestProxy(t *testing.T) {
	t.Parallel()
	var p *proxy
	w := newWorld(t, func(c *uplink.Config) {
		p = newProxy(t, c.Holder.Credential().URLs[0], "p@ss/word")
		c.Ways = []uplink.Way{{Name: "office", Proxy: p.with("box:p%40ss%2Fword")}}
	}).run()
	w.arrives(w.write())
	w.connected("office")
	if n := p.connects.Load(); n < 2 {
		t.Errorf("%d connections went through the proxy", n)
	}
	if h := w.Status().Ways[0]; strings.Contains(h.Proxy, "p@ss") || !strings.HasSuffix(p.url, h.Proxy) {
		t.Errorf("the proxy is shown as %q", h.Proxy)
	}
}

// TestCutBehindTheProxy: the proxy is there, the line behind it is not. The first record is at headquarters
// soon after it is back.
func TestCutBehindTheProxy(t *testing.T) {
	t.Parallel()
	var p *proxy
	w := newWorld(t, func(c *uplink.Config) {
		p = newProxy(t, c.Holder.Credential().URLs[0], "")
		c.Ways = []uplink.Way{{Name: "office", Proxy: p.url}}
		c.Timing = uplink.Timing{Patience: time.Second}
	}).run()
	w.writing(200 * time.Millisecond)
	w.connected("office")
	w.arrives(w.write())
	p.cut.Store(true)
	time.Sleep(7 * time.Second)
	k := w.write()
	if w.has(k) {
		t.Fatal("the line is not cut")
	}
	p.cut.Store(false)
	took := w.arrives(k)
	t.Logf("the first record was there %v after the line was back", took.Round(time.Millisecond))
	if took > 10*time.Second {
		t.Error("that is too long")
	}
}

func TestBadProxies(t *testing.T) {
	t.Parallel()
	nowhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := nowhere.Addr().String()
	_ = nowhere.Close()
	for name, c := range map[string]struct {
		password, user, to, says string
		words                    string
	}{
		"no password":      {password: "secret", words: "wants a name and a password"},
		"wrong password":   {password: "secret", user: "box:guess", words: "does not accept the name or the password"},
		"not let through":  {to: "127.0.0.2:443", words: "have it allow CONNECT to 127.0.0.1"},
		"does not reach":   {to: closed, words: "does not reach"},
		"says too much":    {says: "HTTP/1.1 200 OK\r\n\r\nhello", words: "more than it was asked"},
		"says nonsense":    {says: "SSH-2.0-x\r\n", words: "the proxy's answer"},
		"says nothing":     {says: "\r\n", words: "the proxy's answer"},
		"never stops":      {says: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100<<10), words: "the proxy's answer"},
		"is headquarters?": {says: "HTTP/1.1 404 Not Found\r\n\r\n", words: "does not let"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(cfg *uplink.Config) {
				p := newProxy(t, cfg.Holder.Credential().URLs[0], c.password)
				p.says = c.says
				at := p.url
				if c.user != "" {
					at = p.with(c.user)
				}
				cfg.Ways = []uplink.Way{{Name: "office", Proxy: at}}
				if c.to != "" {
					p.to = c.to
				}
			})
			if c.to == closed && c.to != "" { // headquarters is where the proxy finds nobody
				w.hq.close()
				p := newProxy(t, w.hq.url, "")
				w.holds(w.holder.Credential(), func(cfg *uplink.Config) { cfg.Ways = []uplink.Way{{Name: "office", Proxy: p.url}} })
			}
			w.run()
			w.eventually("it says "+c.words, func() bool { return strings.Contains(w.Status().Ways[0].Problem, c.words) })
			for _, s := range []string{w.Status().Ways[0].Problem, w.log.String()} {
				if strings.Contains(s, "guess") {
					t.Errorf("it repeats the password: %s", s)
				}
			}
			time.Sleep(10 * time.Millisecond)
		})
	}
}
