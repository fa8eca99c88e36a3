package redfish_test

import (
	"fmt"
	"strings"
	"testing"

	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// linksCase is a controller with drives as some service writes it, and which of its drives are read.
type linksCase struct {
	docs     map[string]string
	want     int
	complete bool
	reason   hw.Reason // of the first failure
}

// TestLinks: however a service links to drives, they are read, or it is said that they were not.
func TestLinks(t *testing.T) {
	t.Parallel()
	next := storage + "?$skip=2"
	page := func(more string) string {
		return strings.TrimSuffix(storageDoc(links(2, link), 3), "}") + fmt.Sprintf(`,"Drives@odata.nextLink":%q}`, more)
	}
	inner := strings.TrimSuffix(storageDoc(fmt.Sprintf(`{"@odata.id":"%[1]s#/Disks/0"},{"@odata.id":"%[1]s#/Disks/1"}`, storage), 2), "}") + `,"Disks":[` + links(2, driveDoc) + `]}`
	for name, c := range map[string]linksCase{
		"two pages":               {map[string]string{storage: page(next), next: storageDoc(link(2), 3)}, 3, true, ""},
		"two pages, whole URL":    {map[string]string{storage: page("https://bmc.example" + next), next: storageDoc(link(2), 3)}, 3, true, ""},
		"the rest in Members":     {map[string]string{storage: page(next), next: `{"Members":[` + link(2) + `],"Members@odata.count":3}`}, 3, true, ""},
		"pages in a circle":       {map[string]string{storage: page(storage)}, 2, false, hw.Garbage},
		"a page elsewhere":        {map[string]string{storage: page("ftp://bmc.example/redfish/v1/x")}, 2, false, hw.Garbage},
		"a page that is none":     {map[string]string{storage: page(next), next: `{}`}, 2, false, hw.NotSupported},
		"fragments":               {map[string]string{storage: inner}, 2, true, ""},
		"a fragment of nothing":   {map[string]string{storage: strings.Replace(inner, "#/Disks/1", "#/Disks/7", 1)}, 1, false, hw.Inconsistent},
		"a fragment that is text": {map[string]string{storage: strings.Replace(inner, "#/Disks/1", "#/Id", 1)}, 1, false, hw.Inconsistent},
		"twice":                   {map[string]string{storage: storageDoc(links(2, link)+","+link(1), 3)}, 2, true, ""},
		"another host":            {map[string]string{storage: storageDoc(strings.ReplaceAll(links(2, link), "/redfish", "https://other.example/redfish"), 2)}, 2, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMC(t, func(b *bmc) {
				for i := range 3 {
					b.docs[drivePath(i)] = driveDoc(i)
				}
				for at, doc := range c.docs {
					b.docs[at] = doc
				}
			})
			m, err := redfish.ReadLinked[redfish.Drive](t.Context(), newClient(t, b, nil), storage, "Drives", 100)
			if err != nil || len(m.Items) != c.want || m.Complete != c.complete {
				t.Fatalf("%d drives, complete %v, %v, %v", len(m.Items), m.Complete, m.Failed, err)
			}
			for i, d := range m.Items {
				if want := fmt.Sprintf("Disk.%d", i); d.Value.ID != want {
					t.Errorf("drive %d is %s", i, d.Value.ID)
				}
			}
			if len(m.Failed) > 0 {
				wantError(t, m.Failed[0].Err, c.reason, false, "")
			} else if c.reason != "" {
				t.Error("nothing is said of what was not read")
			}
		})
	}
}

// TestEmptyCollections: one that counts nothing is empty; one that counts members and shows none is no collection.
func TestEmptyCollections(t *testing.T) {
	t.Parallel()
	const path = "/redfish/v1/Volumes"
	for doc, ok := range map[string]bool{
		`{"Members@odata.count":0}`: true, `{"Members":null,"Members@odata.count":0}`: true, `{"Members":[],"Members@odata.count":0}`: true,
		`{"Members@odata.count":1}`: false, `{"Members":null}`: false, `{"Name":"Volumes"}`: false,
	} {
		b := newBMC(t, func(b *bmc) { b.docs[path] = doc })
		m, err := redfish.ReadMembers[redfish.Volume](t.Context(), newClient(t, b, nil), path, 10)
		if ok != (err == nil && m.Complete) || len(m.Items) > 0 {
			t.Errorf("%s: %+v, %v", doc, m, err)
		}
	}
}
