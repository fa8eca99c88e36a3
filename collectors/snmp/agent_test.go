package snmp_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// object is one row of an agent's MIB.
type object struct {
	oid  []uint32
	pdu  gosnmp.SnmpPDU
	size int
}

// agent is an SNMPv2c agent on a loopback port that can be made to misbehave.
type agent struct {
	conn *net.UDPConn
	mib  []object
	max  int // bytes of an answer: it cuts there, as Cisco's do
	done sync.WaitGroup

	mu       sync.Mutex
	requests []*gosnmp.SnmpPacket
	// fault returns what to send instead of answer; nil is silence.
	fault func(n int, request, answer *gosnmp.SnmpPacket) [][]byte
}

func newAgent(t testing.TB, mib []object, fault func(int, *gosnmp.SnmpPacket, *gosnmp.SnmpPacket) [][]byte) *agent {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(mib, func(a, b object) int { return slices.Compare(a.oid, b.oid) })
	a := &agent{conn: conn, mib: mib, max: 1472, fault: fault}
	a.done.Go(a.serve)
	t.Cleanup(func() { conn.Close(); a.done.Wait() })
	return a
}

func (a *agent) serve() {
	buf := make([]byte, 1<<16)
	x := &gosnmp.GoSNMP{Version: gosnmp.Version2c}
	for {
		n, from, err := a.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		req, err := x.SnmpDecodePacket(slices.Clone(buf[:n]))
		if community, _, _ := strings.Cut(req.Community, "@"); err != nil || community != "public" {
			continue
		}
		a.mu.Lock()
		a.requests = append(a.requests, req)
		count, fault := len(a.requests)-1, a.fault
		a.mu.Unlock()
		ans := a.answer(req)
		if fault == nil {
			fault = func(_ int, _, ans *gosnmp.SnmpPacket) [][]byte { return encode(ans) }
		}
		for _, b := range fault(count, req, ans) {
			a.conn.WriteToUDPAddrPort(b, from)
		}
	}
}

// sent returns how many requests came.
func (a *agent) sent() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.requests)
}

func encode(p *gosnmp.SnmpPacket) [][]byte {
	b, err := p.MarshalMsg()
	if err != nil {
		panic(fmt.Sprintf("agent: %v", err))
	}
	return [][]byte{b}
}

func (a *agent) answer(req *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
	ans := &gosnmp.SnmpPacket{
		Version: req.Version, Community: req.Community, PDUType: gosnmp.GetResponse, RequestID: req.RequestID,
	}
	room := a.max - 40 - len(req.Community)
	emit := func(o object) bool {
		if room -= o.size; room < 0 {
			return false
		}
		ans.Variables = append(ans.Variables, o.pdu)
		return true
	}
	if req.PDUType == gosnmp.GetRequest {
		for _, v := range req.Variables {
			i, ok := a.find(v.Name)
			if ok {
				emit(a.mib[i])
				continue
			}
			emit(object{pdu: gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.NoSuchObject}, size: 20})
		}
		return ans
	}
	at := make([]int, len(req.Variables))
	for i, v := range req.Variables {
		j, ok := a.find(v.Name)
		if ok {
			j++
		}
		at[i] = j
	}
	for i := range at[:req.NonRepeaters] {
		emit(a.at(at[i], req.Variables[i].Name))
	}
	for range req.MaxRepetitions {
		for i := int(req.NonRepeaters); i < len(at); i++ {
			if !emit(a.at(at[i], req.Variables[i].Name)) {
				return ans
			}
			at[i]++
		}
	}
	return ans
}

func (a *agent) at(i int, asked string) object {
	if i < len(a.mib) {
		return a.mib[i]
	}
	return object{pdu: gosnmp.SnmpPDU{Name: asked, Type: gosnmp.EndOfMibView}, size: 20}
}

func (a *agent) find(name string) (int, bool) {
	oid := parse(name)
	return slices.BinarySearchFunc(a.mib, oid, func(o object, oid []uint32) int { return slices.Compare(o.oid, oid) })
}

func parse(name string) []uint32 {
	var oid []uint32
	for p := range strings.SplitSeq(strings.Trim(name, "."), ".") {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			panic(err)
		}
		oid = append(oid, uint32(n))
	}
	return oid
}

func obj(name string, typ gosnmp.Asn1BER, value any) object {
	o := object{oid: parse(name), pdu: gosnmp.SnmpPDU{Name: "." + name, Type: typ, Value: value}}
	size := 4 // headers of sequence and OID
	for _, n := range o.oid[1:] {
		for size++; n >= 128; n >>= 7 {
			size++
		}
	}
	b, err := (&gosnmp.SnmpPacket{Variables: []gosnmp.SnmpPDU{{Name: ".1.3", Type: typ, Value: value}}}).MarshalMsg()
	if err != nil {
		panic(err)
	}
	o.size = size + len(b) - 24
	return o
}

// table makes columns base.1 to base.cols of rows rows each, all counters.
func table(base string, cols, rows int) (mib []object, names []string) {
	for c := 1; c <= cols; c++ {
		names = append(names, fmt.Sprintf("%s.%d", base, c))
		for r := 1; r <= rows; r++ {
			mib = append(mib, obj(fmt.Sprintf("%s.%d.%d", base, c, r+9*(r/5)), gosnmp.Counter64, uint64(c)<<40+uint64(r)))
		}
	}
	return mib, names
}

func target(a *agent) collectors.Target { return targetAt(a.conn.LocalAddr().String()) }

func targetAt(address string) collectors.Target {
	return collectors.Target{
		Device:      hw.Device{ID: "sw1", Address: address},
		Credentials: collectors.Credentials{Community: "public"},
		Timeout:     100 * time.Millisecond,
		Memory:      &collectors.Memory{},
	}
}

// shared is the pool of every session of these tests, as it is of a box's: of both versions,
// all users and all faults.
var shared snmp.Pool

func session(t testing.TB, tg collectors.Target) *snmp.Session {
	t.Helper()
	s, err := snmp.New(tg, &shared)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// truth is what a complete walk of column must yield.
func truth(mib []object, column string) (rows []snmp.Row) {
	for _, o := range mib {
		index, ok := strings.CutPrefix(o.pdu.Name, "."+column+".")
		if !ok {
			continue
		}
		r := snmp.Row{Index: index}
		r.Type = snmp.Type(o.pdu.Type)
		switch v := o.pdu.Value.(type) {
		case uint64:
			r.Uint = v
		case uint32:
			r.Uint = uint64(v)
		case int:
			r.Int = int64(v)
		case string:
			r.Bytes = []byte(v)
		case []byte:
			r.Bytes = v
		}
		rows = append(rows, r)
	}
	return rows
}

// sameRows compares without the PDU numbers.
func sameRows(a, b []snmp.Row) bool {
	return slices.EqualFunc(a, b, func(x, y snmp.Row) bool {
		return x.Index == y.Index && x.Type == y.Type && x.Int == y.Int && x.Uint == y.Uint && string(x.Bytes) == string(y.Bytes)
	})
}

// recording loads a device recorded by snmpsim; it skips the test where there is none.
func recording(t testing.TB, name string) (mib []object) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "snmp", name))
	if err != nil {
		t.Skipf("no recordings here: %v", err)
	}
	defer f.Close()
	seen := map[string]bool{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		part := strings.SplitN(sc.Text(), "|", 3)
		if len(part) != 3 || seen[part[0]] {
			continue
		}
		if typ, value, ok := recorded(part[1], part[2]); ok {
			seen[part[0]] = true
			mib = append(mib, obj(part[0], typ, value))
		}
	}
	return mib
}

func recorded(tag, text string) (gosnmp.Asn1BER, any, bool) {
	tag, isHex := strings.CutSuffix(tag, "x")
	if isHex {
		b, err := hex.DecodeString(text)
		if err != nil {
			return 0, nil, false
		}
		text = string(b)
	}
	n, err := strconv.Atoi(tag)
	if err != nil {
		return 0, nil, false
	}
	switch typ := gosnmp.Asn1BER(n); typ {
	case gosnmp.Integer:
		v, err := strconv.Atoi(text)
		return typ, v, err == nil && v == int(int32(v))
	case gosnmp.Counter32, gosnmp.Gauge32, gosnmp.TimeTicks:
		v, err := strconv.ParseUint(text, 10, 32)
		return typ, uint32(v), err == nil
	case gosnmp.Counter64:
		v, err := strconv.ParseUint(text, 10, 64)
		return typ, v, err == nil
	case gosnmp.OctetString:
		return typ, []byte(text), true
	case gosnmp.ObjectIdentifier:
		return typ, text, text != "" && len(strings.Split(text, ".")) > 2
	}
	return 0, nil, false
}
