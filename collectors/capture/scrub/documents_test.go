package scrub_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"rackpost/collectors/capture/scrub"
)

// documents scrubs documents, by their paths below /redfish/v1, and returns them by the order given.
func documents(t testing.TB, beside []scrub.Object, pairs ...string) []scrub.Document {
	t.Helper()
	s, err := scrub.New(bytes.Repeat([]byte("k"), 16), "operator7")
	if err != nil {
		t.Fatal(err)
	}
	var docs []scrub.Document
	for i := 0; i+1 < len(pairs); i += 2 {
		docs = append(docs, scrub.Document{Path: "/redfish/v1" + pairs[i], Body: []byte(pairs[i+1])})
	}
	out, err := s.Documents(docs, beside)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func field(t testing.TB, d scrub.Document, names ...string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(d.Body, &v); err != nil {
		t.Fatalf("%s: %v\n%s", d.Path, err, d.Body)
	}
	for _, n := range names {
		o, _ := v.(map[string]any)
		v = o[n]
	}
	return v
}

// What identifies is replaced wherever it stands, alike everywhere; what the maker says stays.
func TestDocuments(t *testing.T) {
	t.Parallel()
	docs := documents(t, nil,
		"/Systems/1", `{"@odata.id":"/redfish/v1/Systems/1","@odata.type":"#ComputerSystem.v1_5_0.ComputerSystem","Id":"1","SerialNumber":"ABC1234","SKU":"XYZ9876","HostName":"paris-db-1.acme.example",
			"Model":"PowerEdge R750","PowerState":"On","BiosVersion":"1.8.2","AssetTag":"Rack of Alice","Status":{"Health":"OK"},"Oem":{"Dell":{"DellSystem":{"ExpressServiceCode":12345678901,"NodeID":"XYZ9876","NewThing":"said by Alice","NewState":"Warm"}}}}`,
		"/Chassis/NIC-b0:26:28:aa:bb:cc/X", `{"@odata.id":"/redfish/v1/Chassis/NIC-b0:26:28:aa:bb:cc/X","PermanentMACAddress":"B026 28AABBCC","MACAddress":"B0:26:28:AA:BB:CC","FirmwareVersion":"6.00.30.00","Address":"10.1.2.3"}`,
		"/Drives/ABC1234", `{"Id":"Drive of abc1234","Name":"Disk 0 in paris-db-1","IPv4":"10.1.2.3","PartNumber":"P24251-001","SKU":"P24251-001"}`,
		"/Logs", `{"Members":[{"Message":"Login of alice from 10.1.2.3 and REDFISH.","MessageArgs":["alice","10.1.2.3","REDFISH"],"MessageId":"USR0030"},{"Message":"operator7 cleared it (Alice)"}]}`,
	)
	all := ""
	for _, d := range docs {
		all += d.Path + "\n" + string(d.Body)
	}
	for _, secret := range []string{"ABC1234", "XYZ9876", "paris", "acme", "12345678901", "alice", "aa:bb:cc", "aabbcc", "10.1.2.3", "operator7"} {
		if strings.Contains(strings.ToLower(all), strings.ToLower(secret)) {
			t.Errorf("%q is left in\n%s", secret, all)
		}
	}
	system := docs[0]
	for name, want := range map[string]any{"Model": "PowerEdge R750", "PowerState": "On", "BiosVersion": "1.8.2", "Id": "1", "@odata.id": "/redfish/v1/Systems/1"} {
		if got := field(t, system, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if field(t, system, "SKU") != field(t, system, "Oem", "Dell", "DellSystem", "NodeID") {
		t.Error("one service tag has two pseudonyms")
	}
	if n, ok := field(t, system, "Oem", "Dell", "DellSystem", "ExpressServiceCode").(float64); !ok || n < 1e10 || n >= 1e11 {
		t.Errorf("the express service code is %v, want another number of as many digits", n)
	}
	if serial, _ := field(t, system, "SerialNumber").(string); docs[2].Path != "/redfish/v1/Drives/"+serial || len(serial) != 7 {
		t.Errorf("the path is %s, the serial number %s", docs[2].Path, serial)
	}
	if field(t, docs[1], "FirmwareVersion") != "6.00.30.00" || field(t, docs[2], "PartNumber") != "P24251-001" || field(t, docs[2], "SKU") != "P24251-001" {
		t.Errorf("versions and part numbers are changed:\n%s%s", docs[1].Body, docs[2].Body)
	}
	if !strings.HasPrefix(docs[1].Path, "/redfish/v1/Chassis/NIC-") || field(t, docs[1], "@odata.id") != docs[1].Path {
		t.Errorf("the path %s, the document says %v", docs[1].Path, field(t, docs[1], "@odata.id"))
	}
	if log := string(docs[3].Body); !strings.Contains(log, "Login of ") || !strings.Contains(log, "USR0030") {
		t.Errorf("the words of the maker are lost:\n%s", log)
	}
}

// The SNMP side of a device has the pseudonyms of its Redfish side, whoever told first.
func TestDocumentsBesideObjects(t *testing.T) {
	t.Parallel()
	beside := []scrub.Object{{OID: "1.3.6.1.4.1.674.10892.5.5.1.20.130.4.1.7.1", Type: 4, Value: []byte("SN77Q001X")}, {OID: "1.3.6.1.2.1.1.5.0", Type: 4, Value: []byte("vault-17")}}
	s, err := scrub.New(bytes.Repeat([]byte("k"), 16))
	if err != nil {
		t.Fatal(err)
	}
	docs, err := s.Documents([]scrub.Document{{Path: "/redfish/v1/Drives/SN77Q001X", Body: []byte(`{"Id":"SN77Q001X","Name":"in vault-17"}`)}}, beside)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := s.Scrub(beside)
	if err != nil {
		t.Fatal(err)
	}
	if want := "/redfish/v1/Drives/" + string(objects[0].Value); docs[0].Path != want || want == "/redfish/v1/Drives/SN77Q001X" {
		t.Errorf("the path is %s, the object %s", docs[0].Path, objects[0].Value)
	}
	if got := field(t, docs[0], "Name"); got != "in "+string(objects[1].Value) {
		t.Errorf("the name is %v, the object %s", got, objects[1].Value)
	}
}

// Whatever a device says: JSON stays JSON of the same shape, and a serial number is not left.
func FuzzDocuments(f *testing.F) {
	f.Add(`{"SerialNumber":"QX72910","a":["QX72910",1e5,null,true],"b":{"QX72910":"x qx72910 y"}}`)
	f.Add(`{"HostName":"redfish","MACAddress":"00:00:00:00:00:00","Message":"","MessageArgs":[""]}`)
	f.Add(`{"a":{"a":{"a":[[[["\u0000\ud800"]]]]}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		s, err := scrub.New(bytes.Repeat([]byte("k"), 16))
		if err != nil {
			t.Fatal(err)
		}
		const plain = `{"SerialNumber":"QX72910ZZ8"}`
		out, err := s.Documents([]scrub.Document{{Path: "/redfish/v1/A", Body: []byte(plain)}, {Path: "/redfish/v1/QX72910ZZ8", Body: []byte(body)}}, nil)
		if err != nil {
			return
		}
		if !json.Valid(out[1].Body) || strings.Contains(out[0].Path+out[1].Path+string(out[0].Body), "QX72910ZZ8") {
			t.Fatalf("%s %s", out[1].Path, out[1].Body)
		}
	})
}

// An address that a version could be is one where some document says so, in texts that stand before it too.
func TestAddressesThatLookLikeVersions(t *testing.T) {
	t.Parallel()
	docs := documents(t, nil,
		"/Systems/1", `{"@odata.id":"/redfish/v1/Systems/1","Description":"Version 6.1.2.3 of it, Version 7.10.30.5"}`,
		"/Managers/1/EthernetInterfaces/1", `{"IPv4Addresses":[{"Address":"7.10.30.5"}],"FirmwareVersion":"6.1.2.3"}`,
	)
	for _, d := range docs {
		if bytes.Contains(d.Body, []byte("7.10.30.5")) {
			t.Errorf("the address is left in %s", d.Body)
		}
	}
	if field(t, docs[1], "FirmwareVersion") != "6.1.2.3" || !bytes.Contains(docs[0].Body, []byte("Version 6.1.2.3 of it")) {
		t.Errorf("the version is changed: %s%s", docs[0].Body, docs[1].Body)
	}
}

// What no list names is judged by how its name ends, and a name by whether people give it.
func TestEndingsAndNames(t *testing.T) {
	t.Parallel()
	docs := documents(t, nil,
		"/Parts/1", `{"@odata.id":"/redfish/v1/Parts/1","@odata.type":"#Part.v1_0_0.Part","Name":"Rear Fan","WarmState":"Lukewarm","ShelfWWN":"5000C500AABBCCDD","OuterMACAddress":"B0:26:28:AA:BB:CC"}`,
		"/Volumes/1", `{"@odata.id":"/redfish/v1/Volumes/1","@odata.type":"#Volume.v1_0_0.Volume","Name":"payroll of acme","WarmState":"Lukewarm"}`)
	for i, name := range []string{"WarmState", "WarmState"} {
		if got := field(t, docs[i], name); got != "Lukewarm" {
			t.Errorf("%s of %s is %v: a word of the maker is changed", name, docs[i].Path, got)
		}
	}
	if got := field(t, docs[0], "Name"); got != "Rear Fan" {
		t.Errorf("the maker's name of a part is changed to %v", got)
	}
	if got, _ := field(t, docs[1], "Name").(string); got == "" || strings.Contains(got, "payroll") || strings.Contains(got, "acme") {
		t.Errorf("a person's name of a volume is %q", got)
	}
	if got := field(t, docs[0], "ShelfWWN"); got == "5000C500AABBCCDD" {
		t.Error("a world-wide name is left")
	}
	if got := field(t, docs[0], "OuterMACAddress"); got == "B0:26:28:AA:BB:CC" {
		t.Error("a MAC address is left")
	}
}
