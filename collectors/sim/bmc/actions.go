package bmc

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const raidActions = systemPath + "/Oem/Dell/DellRaidService/Actions/DellRaidService."

// change answers a PATCH, POST or DELETE. The lock is held.
func (b *BMC) change(q *http.Request, now time.Time) *reply {
	b.changes++
	path := strings.TrimSuffix(q.URL.Path, "/")
	o, known := b.document(path)
	if !known && b.isAction(path) {
		known = true
	}
	if volume, ok := strings.CutSuffix(path, "/Settings"); ok && !known {
		_, known = b.document(volume)
	}
	if !known {
		return b.missing(path)
	}
	if match := q.Header.Get("If-Match"); match != "" && o != nil && match != "*" {
		if body, err := json.Marshal(o); err == nil && match != etag(body) {
			return b.refusal(http.StatusPreconditionFailed, "SYS427", "Unable to complete the operation because the ETag does not match.", "Read the resource again and retry the operation.")
		}
	}
	var body object
	dec := json.NewDecoder(io.LimitReader(q.Body, maxBody))
	if q.Method != http.MethodDelete && dec.Decode(&body) != nil {
		return b.malformed()
	}
	if b.state.lockdown {
		return b.refusal(http.StatusForbidden, "SYS428", "Unable to perform the operation because System Lockdown mode is enabled.", "Disable System Lockdown mode and retry the operation.")
	}
	switch {
	case q.Method == http.MethodPost && strings.HasPrefix(path, raidActions):
		return b.blink(strings.TrimPrefix(path, raidActions), body)
	case q.Method == http.MethodPatch && strings.HasSuffix(path, "/Settings") && strings.Contains(path, "/Volumes/"):
		return b.settings(strings.TrimSuffix(path, "/Settings"), body, now)
	case q.Method == http.MethodPatch:
		return b.patch(path, o, body)
	}
	return b.notAllowed(q.Method)
}

func (b *BMC) isAction(path string) bool {
	name, ok := strings.CutPrefix(path, raidActions)
	return ok && (name == "BlinkTarget" || name == "UnBlinkTarget") && (b.model.dell > 8 || b.recorded != nil)
}

// blink switches the locator of a drive.
func (b *BMC) blink(action string, body object) *reply {
	target, _ := body["TargetFQDD"].(string)
	if b.recorded != nil && target != "" {
		return b.success()
	}
	i := slices.IndexFunc(b.state.drives, func(d drive) bool { return d.id == target && !d.pulled })
	if i < 0 {
		return b.refusal(http.StatusBadRequest, "STOR002", "Unable to find the device "+target+".", "Enter a valid FQDD and retry the operation.")
	}
	b.state.drives[i].led = action == "BlinkTarget"
	b.countLit(b.state.drives[i].led)
	return b.success()
}

// countLit counts an order to blink. The caller holds mu.
func (b *BMC) countLit(on bool) {
	if on {
		b.counters.Lit++
	}
}

// Blinking returns the drives whose locators are on, and whether the server's is.
func (b *BMC) Blinking() (drives []string, server bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.state.drives {
		if b.state.drives[i].led {
			drives = append(drives, b.state.drives[i].id)
		}
	}
	return drives, b.state.led
}

// patch changes the locator of the server, or of a drive that shows it; nothing else can be.
func (b *BMC) patch(path string, o, body object) *reply {
	on, ok := false, false
	if v, has := body["LocationIndicatorActive"]; has && b.model.dell != 8 {
		_, takes := o["LocationIndicatorActive"].(bool) // null is a part without one
		on, ok = v.(bool)
		ok = ok && takes
	} else if v, has := body["IndicatorLED"].(string); has {
		_, takes := o["IndicatorLED"]
		on, ok = v != "Off", takes && slices.Contains([]string{"Off", "Lit", "Blinking"}, v)
		if b.model.dell > 0 {
			on = v == "Blinking"
		}
	}
	if !ok || len(body) != 1 {
		return b.refusal(http.StatusBadRequest, "SYS410", "Unable to modify the attribute because the attribute is read-only or depends on other attributes.", "Verify that the attribute can be changed and retry the operation.")
	}
	b.countLit(on)
	switch _, id, ofDrive := strings.Cut(path, "/Drives/"); {
	case b.recorded != nil:
		b.overlay[path] = clone(body)
	case ofDrive:
		if i := slices.IndexFunc(b.state.drives, func(d drive) bool { return d.id == id }); i >= 0 {
			b.state.drives[i].led = on
		}
	default:
		b.state.led = on
	}
	return b.success()
}

// settings changes the cache policies of a volume at once, and lets a job tell so.
func (b *BMC) settings(path string, body object, now time.Time) *reply {
	i := slices.IndexFunc(b.state.volumes, func(v volume) bool { return strings.HasSuffix(path, "/"+v.controller+"/Volumes/"+v.id) })
	if i < 0 || b.state.volumes[i].level == "" || b.model.dell < 9 || b.state.controllerOf(&b.state.volumes[i]).sort != perc {
		return b.refusal(http.StatusBadRequest, "STOR010", "Unable to perform the operation because the volume does not take settings.", "Choose a volume of a RAID controller.")
	}
	v := &b.state.volumes[i]
	write, hasWrite := body["WriteCachePolicy"].(string)
	disk := ""
	if oem, ok := body["Oem"].(object); ok {
		if dell, ok := oem["Dell"].(object); ok {
			for _, name := range []string{"DellVolume", "DellVirtualDisk"} {
				if props, ok := dell[name].(object); ok {
					disk, _ = props["DiskCachePolicy"].(string)
				}
			}
		}
	}
	for word, name := range standard {
		if hasWrite && name == write && strings.HasPrefix(word, "Write") {
			v.write = word
			write = ""
		}
	}
	if hasWrite && write != "" || disk != "" && !slices.Contains([]string{"Default", "Enabled", "Disabled"}, disk) || !hasWrite && disk == "" {
		return b.malformed()
	}
	if disk != "" {
		v.disk = disk
	}
	id := b.state.enqueue("Configure: "+v.controller, "RAIDConfiguration", now, 30*time.Second)
	b.rebuild()
	return &reply{code: http.StatusAccepted, raw: []byte{}, header: http.Header{"Location": {managerPath + "/Jobs/" + id}}}
}

func (h *hardware) controllerOf(v *volume) *controller {
	i := slices.IndexFunc(h.controllers, func(c controller) bool { return c.fqdd == v.controller })
	return &h.controllers[i]
}
