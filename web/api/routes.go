package api

import (
	"net/http"

	"rackpost/web"
)

// documentPath is where the description of all routes is.
const documentPath = "/api/v1/openapi.json"

// routes is everything that can be asked for.
func (a *API) routes() []route {
	var all []route
	all = append(all, a.knownRoutes()...)
	all = append(all, a.historyRoutes()...)
	all = append(all, a.recordRoutes()...)
	all = append(all, a.consumerRoutes()...)
	for i := range all {
		if all[i].method == "" {
			all[i].method = http.MethodGet
		}
		if all[i].form == "" {
			all[i].form = asJSON
		}
	}
	return all
}

// knownRoutes give what is known now.
func (a *API) knownRoutes() []route {
	device := []param{deviceInPath(), siteParam()}
	noSites := a.Sites == nil
	return []route{
		{path: documentPath, name: "openapi", does: "This description.", answer: map[string]any{}, serve: (*call).document},
		{path: "/api/v1/status", name: "status", does: "The one that answers at a glance: its name, its devices, its store, its pair, its uplink. Headquarters: the devices of all sites, or of the one named.",
			scope: ScopeRead, params: []param{siteParam()}, answer: web.Status{}, missing: a.Box == nil, serve: (*call).status},
		{path: "/api/v1/sites", name: "sites", does: "The sites whose records are here: of a box its own, of headquarters all.",
			scope: ScopeRead, answer: SiteList{}, missing: noSites, serve: (*call).sites},
		{path: "/api/v1/devices", name: "devices", does: "Every device with its health, the age of its data and its open alerts; without its components. Headquarters: of all sites where none is named.",
			scope: ScopeRead, params: []param{siteParam()}, answer: DeviceList{}, missing: noSites, serve: (*call).devices},
		{path: "/api/v1/devices/{id}", name: "device", does: "One device with its components.",
			scope: ScopeRead, params: device, answer: web.Device{}, missing: noSites, serve: (*call).device},
		{path: "/api/v1/devices/{id}/latest", name: "latest", does: "The last reading of every sensor of a device, however old: each has its time.",
			scope: ScopeRead, params: device, answer: web.Latest{}, missing: noSites, serve: (*call).latest},
		{path: "/api/v1/latest", name: "latestOfAll", does: "The last readings of the sensors of all devices, device by device, however old. Headquarters: of all sites where none is named. Where more is true, ask again after next.",
			scope: ScopeRead, answer: LatestList{}, missing: noSites, serve: (*call).latestOfAll, patient: true,
			params: []param{siteParam(), deviceParam("id of a device; all where none is given"),
				{name: "component", does: "path of a component, or a pattern: a star stands for any run of characters; all where none is given", example: "fan/*"},
				{name: "sensor", does: "name of a sensor, or a pattern; all where none is given", example: "inlet_celsius"},
				{name: "after", does: "the next of the answer before; from the first device where none is given", example: "6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01/db-1"},
				limitParam("readings, after which no other device is begun", DefaultLimit)}},
		{path: "/api/v1/devices/{id}/raid", name: "deviceRaid", does: "The RAID sets of a device as a tree, with what is wrong and what to do.",
			scope: ScopeRead, params: device, answer: web.Raid{}, missing: noSites, serve: (*call).raid},
		{path: "/api/v1/raid", name: "raid", does: "The RAID sets of every device that has some, the worst of a site first. Headquarters: of all sites where none is named.",
			scope: ScopeRead, params: []param{siteParam()}, answer: RaidList{}, missing: noSites, serve: (*call).raids},
		{path: "/api/v1/inventory", name: "inventory", does: "What every device is and consists of: units, parts, models, serials, places. Headquarters: of all sites where none is named.",
			scope: ScopeRead, params: []param{siteParam(), deviceParam("id of a device; all where none is given")}, answer: InventoryList{}, missing: noSites, serve: (*call).inventory},
		{path: "/metrics", name: "metrics", does: "The newest readings in the text format of Prometheus, each with its own time, and how the box itself is. A reading older than three periods of its section is left out. " +
			"With site or device: of these alone, and nothing of the box. Headquarters: readings with site only, else how headquarters and its sites are.",
			scope: ScopeMetrics, params: []param{siteParam(), deviceParam("id of a device; all of the site where none is given")}, form: asMetrics, missing: noSites || a.Box == nil, serve: (*call).metrics},
	}
}

// historyRoutes give what was recorded of a stretch of time.
func (a *API) historyRoutes() []route {
	span := spanParams()
	return []route{
		{path: "/api/v1/query", name: "query", does: "The readings of one sensor, in order of time.", scope: ScopeRead, missing: a.Sites == nil, answer: web.Series{}, serve: (*call).query,
			params: append([]param{
				{name: "device", needed: true, does: "id of a device: GET /api/v1/devices lists them", example: "db-1"},
				{name: "component", needed: true, does: "path of a component: GET /api/v1/devices/ID/latest names them", example: "port/Gi1/0/1"},
				{name: "sensor", needed: true, does: "name of a sensor: GET /api/v1/devices/ID/latest names them", example: "rx_bytes_total"},
				siteParam(), limitParam("readings at most; truncated says that there are more", DefaultLimit),
			}, span...)},
		{path: "/api/v1/facts", name: "facts", does: "What was stated of devices in a stretch of time, oldest first: the newest of them where there are more than the limit. Headquarters: of all sites where none is named, each with its site.",
			scope: ScopeRead, missing: a.Sites == nil, answer: web.Facts{}, serve: (*call).facts,
			params: append([]param{
				deviceParam("id of a device; all where none is given"),
				{name: "kind", kind: word, words: factKinds(), does: "what the facts speak of; all where none is given", example: "gap"},
				siteParam(), limitParam("facts at most; truncated says that there are older ones", DefaultLimit)}, span...)},
		{path: "/api/v1/aggregate", name: "aggregate", does: "Readings put together: least, greatest, mean, last, how many, and how much of what was due came. Counters give rates a second.",
			scope: ScopeRead, missing: a.Readings == nil || a.Sites == nil, answer: Aggregates{}, serve: (*call).aggregate, patient: true,
			params: append([]param{
				{name: "sensor", needed: true, does: "name of a sensor, or a pattern: a star stands for any run of characters", example: "inlet_celsius"},
				{name: "component", does: "path of a component, or a pattern; all where none is given", example: "port/*"},
				deviceParam("id of a device; all where none is given"), siteParam(),
				{name: "by", kind: word, words: []string{byNone, bySite, byDevice, byComponent}, usual: byComponent, does: "what is told apart; what is below it is put together. Different sensors are always told apart", example: byDevice},
				{name: "step", kind: duration, longest: maxStep, does: "length of a bucket, from 1s on; one bucket for all the time where none is given", example: "5m"},
			}, span...)},
	}
}

// recordRoutes give records as they came.
func (a *API) recordRoutes() []route {
	return []route{
		{path: "/api/v1/changes", name: "changes", does: "Every record behind a position, one a line, in the order in which they came; the last line tells where to go on. The other box " +
			"of a pair goes on behind the same position. A record that comes twice all the same has the same content: site, origin, incarnation, stream, seq and index name it. 410: what stood behind the position is gone; begin anew from the snapshot.",
			scope: ScopeChanges, form: asLines, patient: true, missing: a.Records == nil || a.Sites == nil, answer: lines{Line{}, Trailer{}}, serve: (*call).changes,
			params: []param{
				{name: "after", does: "the next of an earlier answer with the same streams and site, or of a snapshot, here or at the other box of the pair; everything that is here where none is given", example: ""},
				{name: "streams", kind: words, words: streamNames, does: "some of facts, samples, logs, with commas between; all where none is given", example: "facts,logs"},
				limitParam("records at most; 16 MB of lines end an answer too", DefaultLimit),
				{name: "wait", kind: duration, longest: maxWait, does: "how long to wait for the first record where there is none, up to 1m", example: "30s"},
				siteParam(),
			}},
		{path: "/api/v1/snapshot", name: "snapshot", does: "What all facts amount to: the last word of every origin on every thing, one a line, and the position to go on from.",
			scope: ScopeChanges, form: asLines, patient: true, missing: a.Registers == nil || a.Records == nil || a.Sites == nil, answer: lines{Line{}, Trailer{}}, serve: (*call).snapshot,
			params: []param{siteParam()}},
	}
}

// consumerRoutes are about those who pull.
func (a *API) consumerRoutes() []route {
	none := a.Consumers == nil
	return []route{
		{path: "/api/v1/ack", method: http.MethodPost, name: "ack", does: "Tells how far a consumer has come, for people to see. It keeps nothing from being dropped.",
			scope: ScopeAck, body: Ack{}, answer: Consumer{}, missing: none || a.Records == nil, serve: (*call).ack},
		{path: "/api/v1/consumers", name: "consumers", does: "Who may pull, and how far each has come.", scope: ScopeRead, answer: ConsumerList{}, missing: none, serve: (*call).consumers},
		{path: "/api/v1/consumers", method: http.MethodPost, name: "addConsumer", does: "Adds a consumer, of a pair at both boxes, and shows its token this once. Only over the unix socket: rackpost consumer add.",
			people: true, body: NewConsumer{}, answer: Token{}, missing: none, serve: (*call).addConsumer},
		{path: "/api/v1/consumers/{name}", method: http.MethodDelete, name: "removeConsumer", does: "Takes a consumer's right away, of a pair at both boxes. Only over the unix socket: rackpost consumer remove.",
			people: true, params: []param{{name: "name", inPath: true, needed: true, does: "name of a consumer", example: "cmdb"}}, answer: ConsumerList{}, missing: none, serve: (*call).removeConsumer},
	}
}

// lines are the kinds of line of an answer.
type lines []any
