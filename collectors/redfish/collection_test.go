package redfish_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rackpost/collectors/redfish"
	"rackpost/hw"
)

const (
	storage = "/redfish/v1/Systems/1/Storage/RAID.1"
	expand  = "?$expand=*($levels=1)"
)

func drivePath(i int) string { return fmt.Sprintf("%s/Drives/Disk.%d", storage, i) }

func driveDoc(i int) string {
	return fmt.Sprintf(`{"@odata.id":%q,"@odata.type":"#Drive.v1_13_0.Drive","Id":"Disk.%d","FailurePredicted":%v}`, drivePath(i), i, i == 1)
}

// links joins the documents that fn makes of 0 to n-1.
func links(n int, fn func(int) string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fn(i)
	}
	return strings.Join(all, ",")
}

func link(i int) string { return fmt.Sprintf(`{"@odata.id":%q}`, drivePath(i)) }

func storageDoc(drives string, count int) string {
	return fmt.Sprintf(`{"@odata.id":%q,"@odata.type":"#Storage.v1_13_0.Storage","Id":"RAID.1","Status":{"Health":"OK"},"Drives":[%s],"Drives@odata.count":%d}`, storage, drives, count)
}

// withDrives sets a controller with n drives; expanded is its answer to $expand.
func withDrives(n int, expanded string) func(*bmc) {
	return func(b *bmc) {
		b.docs["/redfish/v1"] = strings.Replace(b.docs["/redfish/v1"], `"Id"`, `"ProtocolFeaturesSupported":{"ExpandQuery":{"ExpandAll":true,"Levels":true,"MaxLevels":1}},"Id"`, 1)
		b.docs[storage] = storageDoc(links(n, link), n)
		for i := range n {
			b.docs[drivePath(i)] = driveDoc(i)
		}
		if expanded != "" {
			b.docs[storage+expand] = expanded
		}
	}
}

func readDrives(t *testing.T, c *redfish.Client, n int) redfish.Members[redfish.Drive] {
	t.Helper()
	m, err := redfish.ReadLinked[redfish.Drive](t.Context(), c, storage, "Drives", 100)
	if err != nil {
		t.Fatal(err)
	}
	predicted := 0
	for i, d := range m.Items {
		if d.Path == "" || d.Value.ID == "" || len(d.Odd) > 0 {
			t.Errorf("drive %d is %+v", i, d)
		}
		if d.Value.FailurePredicted != nil && *d.Value.FailurePredicted {
			predicted++
		}
	}
	var s redfish.Storage
	if _, err := m.Doc.Decode(&s); err != nil || s.ID != "RAID.1" || s.Status.Health != "OK" || len(s.Drives) != n {
		t.Errorf("the controller is %+v, %v", s, err)
	}
	if len(m.Items) != n || predicted != 1 || !m.Complete || len(m.Failed) > 0 {
		t.Errorf("%d of %d drives, %d predicted, complete %v, failed %v", len(m.Items), n, predicted, m.Complete, m.Failed)
	}
	return m
}

func TestExpand(t *testing.T) {
	t.Parallel()
	b := newBMC(t, withDrives(4, storageDoc(links(4, driveDoc), 4)))
	c := newClient(t, b, nil)
	readDrives(t, c, 4)
	for range 3 {
		readDrives(t, c, 4)
	}
	if plain, asked, one := b.asked("GET "+storage)-b.asked("GET "+storage+"?")-b.asked("GET "+storage+"/"), b.asked("GET "+storage+"?"), b.asked("GET "+storage+"/Drives"); plain != 1 || asked != 4 || one != 1 {
		t.Errorf("%d plain, %d expanded, %d drives alone", plain, asked, one)
	}
	// A drive is pulled: both answers say so, and $expand stays.
	withDrives(3, storageDoc(links(3, driveDoc), 3))(b)
	readDrives(t, c, 3)
	readDrives(t, c, 3)
	if n := b.asked("GET " + storage + "/Drives"); n != 1 {
		t.Errorf("%d drives alone", n)
	}
	// One is put back; then $expand loses it.
	withDrives(4, storageDoc(links(4, driveDoc), 4))(b)
	readDrives(t, c, 4)
	b.docs[storage+expand] = storageDoc(links(3, driveDoc), 3)
	readDrives(t, c, 4)
	asked := b.asked("GET " + storage + "?")
	readDrives(t, c, 4)
	if b.asked("GET "+storage+"?") != asked {
		t.Error("$expand is used after it lost a drive")
	}
}

// TestExpandIsNotBelieved: whatever a device answers to $expand, all drives are read, and it is not asked so again.
func TestExpandIsNotBelieved(t *testing.T) {
	t.Parallel()
	good := storageDoc(links(4, driveDoc), 4)
	bad := map[string]string{
		"links only":        storageDoc(links(4, link), 4),
		"one missing":       storageDoc(links(3, driveDoc), 3),
		"one missing, told": storageDoc(links(3, driveDoc), 4),
		"one is a link":     storageDoc(links(3, driveDoc)+","+link(3), 4),
		"one twice":         storageDoc(links(3, driveDoc)+","+driveDoc(0), 4),
		"one is null":       storageDoc(links(3, driveDoc)+",null", 4),
		"one is an error":   storageDoc(links(3, driveDoc)+`,{"@odata.id":"`+drivePath(3)+`","@odata.type":"#Drive","Id":"3","error":{}}`, 4),
		"no drives":         storageDoc("", 0),
		"a wrong drive":     storageDoc(links(3, driveDoc)+","+driveDoc(9), 4),
		"an error object":   `{"error":{"code":"Base.1.8.QueryNotSupported","message":"no"}}`,
		"error first":       `{"error":{"code":"Base.1.8.GeneralError","message":"licence"}}` + good,
		"breaks off":        good[:len(good)-40],
		"refused":           "",
	}
	for name, doc := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, first := range []string{doc, good} { // at the first try, and after it was believed
				b := newBMC(t, withDrives(4, first))
				if first == "" {
					b.hook = on("GET "+storage+"?", answer(http.StatusBadRequest, ""))
				}
				c := newClient(t, b, nil)
				readDrives(t, c, 4)
				b.mu.Lock()
				b.docs[storage+expand] = doc
				if doc == "" {
					b.docs[storage+expand] = "<html>"
				}
				b.mu.Unlock()
				readDrives(t, c, 4)
				asked := b.asked("GET " + storage + "?")
				readDrives(t, c, 4)
				if b.asked("GET "+storage+"?") != asked {
					t.Error("it is asked so again")
				}
			}
		})
	}
}

// TestShortenedMembers: an expanded member that lacks a property it has alone is not believed.
func TestShortenedMembers(t *testing.T) {
	t.Parallel()
	short := func(i int) string {
		return strings.Replace(driveDoc(i), `"FailurePredicted"`, `"FailurePredicted@x"`, 1)
	}
	b := newBMC(t, withDrives(4, storageDoc(links(4, short), 4)))
	c := newClient(t, b, nil)
	readDrives(t, c, 4)
	readDrives(t, c, 4)
	if n := b.asked("GET " + storage + "?"); n != 1 {
		t.Errorf("asked for expanded %d times", n)
	}
}

func TestOneMemberFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do     func(http.ResponseWriter)
		reason hw.Reason
		left   int
		over   bool
	}{
		"not there":   {answer(404, ""), hw.NotSupported, 4, false},
		"broken":      {answer(500, ""), hw.DeviceError, 4, false},
		"not JSON":    {answer(200, `{"Id":`), hw.Garbage, 4, false},
		"not ready":   {answer(503, ""), hw.NotReady, 4, false},
		"leave alone": {answer(503, "", "Retry-After", "9"), hw.NotReady, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMC(t, func(b *bmc) {
				withDrives(5, "")(b)
				b.docs["/redfish/v1"] = strings.Replace(b.docs["/redfish/v1"], "true", "false", 2)
				b.hook = on("GET "+drivePath(2), tc.do)
			})
			m, err := redfish.ReadLinked[redfish.Drive](t.Context(), newClient(t, b, nil), storage, "Drives", 100)
			if err != nil || m.Complete || len(m.Items) != tc.left || len(m.Items)+len(m.Failed) != 5 || m.Failed[0].Path != drivePath(2) {
				t.Fatalf("%d items, failed %v, complete %v, %v", len(m.Items), m.Failed, m.Complete, err)
			}
			wantError(t, m.Failed[0].Err, tc.reason, tc.over, drivePath(2))
		})
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	const path = storage + "/Drives"
	page := func(from, to, count int, next string) string {
		members := links(to-from, func(i int) string { return link(from + i) })
		if next != "" {
			next = fmt.Sprintf(`,"Members@odata.nextLink":%q`, next)
		}
		return fmt.Sprintf(`{"@odata.id":%q,"Members":[%s],"Members@odata.count":%d%s}`, path, members, count, next)
	}
	for name, tc := range map[string]struct {
		docs     map[string]string
		limit    int
		read     int
		reason   hw.Reason // of the first failure
		complete bool
	}{
		"one":             {map[string]string{path: page(0, 4, 4, "")}, 100, 4, "", true},
		"two":             {map[string]string{path: page(0, 3, 5, path+"?$skip=3"), path + "?$skip=3": page(3, 5, 5, "")}, 100, 5, "", true},
		"empty":           {map[string]string{path: page(0, 0, 0, "")}, 100, 0, "", true},
		"counts more":     {map[string]string{path: page(0, 3, 5, "")}, 100, 3, hw.Inconsistent, false},
		"the same again":  {map[string]string{path: page(0, 3, 9, path)}, 100, 3, hw.Garbage, false},
		"off the device":  {map[string]string{path: page(0, 3, 9, "https://192.0.2.1/x")}, 100, 3, hw.Garbage, false},
		"second not read": {map[string]string{path: page(0, 3, 5, path+"?$skip=3"), path + "?$skip=3": "<html>"}, 100, 3, hw.Garbage, false},
		"more than asked": {map[string]string{path: page(0, 5, 5, "")}, 4, 4, hw.TooMuch, false},
		"a member null":   {map[string]string{path: `{"Members":[` + link(0) + `,null,` + link(1) + `]}`}, 100, 2, "", true},
		"a member text":   {map[string]string{path: `{"Members":[` + link(0) + `,5,` + link(1) + `]}`}, 100, 2, hw.Garbage, false},
		"off, a member":   {map[string]string{path: `{"Members":[` + link(0) + `,{"@odata.id":"//192.0.2.1/redfish/v1"}]}`}, 100, 1, hw.Garbage, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMC(t, func(b *bmc) {
				for i := range 5 {
					b.docs[drivePath(i)] = driveDoc(i)
				}
				for p, doc := range tc.docs {
					b.docs[p] = doc
				}
			})
			m, err := redfish.ReadMembers[redfish.Drive](t.Context(), newClient(t, b, nil), path, tc.limit)
			if err != nil || len(m.Items) != tc.read || m.Complete != tc.complete || m.Complete == (len(m.Failed) > 0) {
				t.Fatalf("%d items, complete %v, failed %v, %v", len(m.Items), m.Complete, m.Failed, err)
			}
			if tc.reason != "" {
				wantError(t, m.Failed[0].Err, tc.reason, false, "")
			}
		})
	}
}

// TestNoLink: what the device does not link to was not read. It is not an empty list.
func TestNoLink(t *testing.T) {
	t.Parallel()
	b := newBMC(t, withDrives(2, ""))
	c := newClient(t, b, nil)
	m, err := redfish.ReadMembers[redfish.Volume](t.Context(), c, "", 10)
	wantError(t, err, hw.NotSupported, false, "does not link")
	if m.Complete {
		t.Error("complete")
	}
	_, err = redfish.ReadMembers[redfish.Drive](t.Context(), c, system, 10)
	wantError(t, err, hw.Garbage, false, "no collection")

	for _, doc := range []string{`{"Id":"1"}`, `{"Id":"1","Drives":null}`, `{"Id":"1","Drives":7,"Drives@odata.count":2}`, `{"Id":"1","Drives":{"@odata.id":"/redfish/v1/X"}}`} {
		b.mu.Lock()
		b.docs[storage] = doc
		b.mu.Unlock()
		m, err := redfish.ReadLinked[redfish.Drive](t.Context(), c, storage, "Drives", 10)
		if err != nil || m.Complete || len(m.Failed) == 0 || len(m.Items) != 0 {
			t.Errorf("%s: %+v, %v", doc, m, err)
			continue
		}
		wantError(t, m.Failed[0].Err, hw.NotSupported, false, "does not tell its Drives")
	}
}
