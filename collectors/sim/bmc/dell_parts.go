package bmc

import (
	"fmt"
	"time"
)

// dellNetwork adds adapters and their ports.
func (m *model) dellNetwork(t tree, s *state) {
	if m.dell < 9 {
		return
	}
	const base = chassisPath + "/NetworkAdapters"
	var all []string
	serial := 1
	for i := range s.adapters {
		a := &s.adapters[i]
		path := base + "/" + a.fqdd
		all = append(all, path)
		var ports []string
		for n := range a.ports {
			id, number, key := fmt.Sprintf("%s-%d", a.fqdd, n+1), n, serial
			serial++
			p := path + "/NetworkPorts/" + id
			ports = append(ports, p)
			t[p] = func(now *moment) object {
				state, speed := "Down", 0
				if a.ports[number] {
					state, speed = "Up", a.mbits
				}
				return resource(p, "NetworkPort.v1_4_1.NetworkPort", id, "Network Port View", object{
					"LinkStatus": state, "CurrentLinkSpeedMbps": speed, "PhysicalPortNumber": fmt.Sprint(number + 1), "AssociatedNetworkAddresses": []any{now.mac(key)},
					"ActiveLinkTechnology": "Ethernet", "VendorId": "14e4", "Status": object{"State": "Enabled", "Health": "OK", "HealthRollup": "OK"},
				})
			}
		}
		t.collection(path+"/NetworkPorts", "NetworkPort", "Network Port Collection", ports)
		t[path] = func(now *moment) object {
			return resource(path, "NetworkAdapter.v1_7_0.NetworkAdapter", a.fqdd, "Network Adapter View", object{
				"Manufacturer": a.maker, "Model": a.model, "SerialNumber": now.serial("NIC", i+1), "PartNumber": "0SIM04A00", "NetworkPorts": link(path + "/NetworkPorts"),
				"Status": status(healthOK), "Controllers": []any{object{"FirmwarePackageVersion": a.firmware, "Links": object{"NetworkPorts": links(ports)}}},
			})
		}
	}
	t.collection(base, "NetworkAdapter", "Network Adapter Collection", all)
}

// installed is one entry of the firmware inventory.
type installed struct{ state, id, version, fqdd, name string }

func (m *model) inventory(s *state) []installed {
	all := []installed{
		{"Installed", "25227", m.firmware, "iDRAC.Embedded.1-1", "Integrated Dell Remote Access Controller"},
		{"Previous", "25227", "6.10.80.00", "iDRAC.Embedded.1-1", "Integrated Dell Remote Access Controller"},
		{"Installed", "159", m.bios, "BIOS.Setup.1-1", "BIOS"},
		{"Current", "159", m.bios, "BIOS.Setup.1-1", "BIOS"},
		{"Installed", "27763", "1.1.4", "CPLD.Embedded.1", "System CPLD"},
	}
	for i := range s.supplies {
		all = append(all, installed{"Installed", "108076", "00.1B.53", fmt.Sprintf("PSU.Slot.%d", i+1), "Power Supply"})
	}
	for _, c := range s.controllers {
		if c.firmware != "" {
			all = append(all, installed{"Installed", "110500", c.firmware, c.fqdd, c.model})
		}
	}
	for _, e := range s.enclosures {
		all = append(all, installed{"Installed", "107649", e.firmware, e.id, e.name})
	}
	for i := range s.drives {
		if d := &s.drives[i]; !d.pulled {
			all = append(all, installed{"Installed", "0", d.revision, d.id, d.model})
		}
	}
	for _, a := range s.adapters {
		for n := range a.ports {
			all = append(all, installed{"Installed", "108255", a.firmware, fmt.Sprintf("%s-%d-1", a.fqdd, n+1), a.model})
		}
	}
	return all
}

func (m *model) dellFirmware(t tree, s *state) {
	const service, base = root + "/UpdateService", root + "/UpdateService/FirmwareInventory"
	t[service] = func(*moment) object {
		return resource(service, "UpdateService.v1_11_0.UpdateService", "UpdateService", "Update Service", object{"ServiceEnabled": true, "FirmwareInventory": link(base)})
	}
	var all []string
	for _, f := range m.inventory(s) {
		id := fmt.Sprintf("%s-%s-%s__%s", f.state, f.id, f.version, f.fqdd)
		path := base + "/" + id
		all = append(all, path)
		t[path] = func(now *moment) object {
			o := object{"SoftwareId": f.id, "Version": f.version, "Updateable": f.state != "Previous", "ReleaseDate": "2024-01-31T00:00:00Z", "Status": object{"Health": "OK", "State": "Enabled"}}
			if m.dell > 8 {
				o["Oem"] = object{"Dell": object{"DellSoftwareInventory": object{"ComponentID": f.id, "ComponentType": "FRMW", "ElementName": f.name, "Status": f.state, "InstallationDate": stamp(now.at.Add(-now.up))}}}
			}
			return resource(path, "SoftwareInventory.v1_4_0.SoftwareInventory", id, f.name, o)
		}
	}
	t.collection(base, "SoftwareInventory", "Firmware Inventory Collection", all)
}

// job is one of the queue. What it has done is a function of the time.
type job struct {
	id, name, sort string
	progress
}

// maxJobs is how many the queue holds; the oldest go.
const maxJobs = 256

// enqueue adds a job and returns its id.
func (s *state) enqueue(name, sort string, now time.Time, lasts time.Duration) string {
	s.issued++
	id := fmt.Sprintf("JID_%012d", 702_000_000_000+s.issued)
	s.jobs = append(s.jobs, job{id: id, name: name, sort: sort, progress: progress{now, lasts}})
	if len(s.jobs) > maxJobs {
		s.jobs = s.jobs[len(s.jobs)-maxJobs:]
	}
	return id
}

func (m *model) dellJobs(t tree, s *state) {
	bases := []string{managerPath + "/Jobs"}
	if m.dell > 8 {
		bases = append(bases, managerPath+"/Oem/Dell/Jobs", root+"/JobService/Jobs")
		t[root+"/JobService"] = func(*moment) object {
			return resource(root+"/JobService", "JobService.v1_0_4.JobService", "JobService", "Job Service", object{"ServiceEnabled": true, "Jobs": link(root + "/JobService/Jobs")})
		}
	}
	for i, base := range bases {
		kind, schema := "DellJob", "DellJob.v1_2_0.DellJob"
		if i == 2 {
			kind, schema = "Job", "Job.v1_0_7.Job"
		}
		paths := []string{}
		for _, j := range s.jobs {
			path := base + "/" + j.id
			paths = append(paths, path)
			t[path] = func(now *moment) object { return j.document(now, path, schema) }
		}
		t.collection(base, kind, "JobQueue", paths)
	}
}

func (j *job) document(now *moment, path, schema string) object {
	state, message, id, end := "Running", "Job in progress.", "JCP037", any(nil)
	if !j.running(now.at) {
		state, message, id, end = "Completed", "Job completed successfully.", "PR19", stamp(j.since.Add(j.lasts))
	}
	percent := j.percent(now.at)
	if schema == "Job.v1_0_7.Job" {
		return resource(path, schema, j.id, j.name, object{
			"JobState": state, "JobStatus": "OK", "PercentComplete": percent, "StartTime": stamp(j.since), "EndTime": end,
			"Messages": []any{object{"Message": message, "MessageId": id, "MessageArgs": []any{}}},
		})
	}
	return resource(path, schema, j.id, j.name, object{
		"JobState": state, "JobType": j.sort, "PercentComplete": percent, "Message": message, "MessageId": id, "MessageArgs": []any{}, "Description": "Job Instance",
		"StartTime": stamp(j.since), "EndTime": "TIME_NA", "CompletionTime": end, "ActualRunningStartTime": stamp(j.since), "ActualRunningStopTime": end, "TargetSettingsURI": nil,
	})
}
