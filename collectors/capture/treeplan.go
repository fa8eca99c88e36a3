package capture

import "strings"

// unread are the words of a path behind which nothing is read: what is large and of no use, and what is nobody's business.
const unread = `
registries      what messages mean, the same on every device of a maker
registrystore   the same
jsonschemas     the form of the resources
schemastore     the same
schemas         the same
$metadata       the same
odata           the same
accountservice  users, roles and directories
accounts        users
roles           users
sessions        who is logged in
sessionservice  who is logged in
certificates    certificates
certificateservice certificates
secureboot      keys
securebootdatabases keys
keyservice      keys
securityservice keys and certificates
licenseservice  licences
licenses        licences
eventservice    who is told of events
telemetryservice reports of readings that stand elsewhere
bios            settings
bootoptions     settings
networkprotocol communities, time servers
snmpservice     communities
snmpusers       users
hostinterfaces  the way from the operating system to the controller
virtualmedia    addresses of images
serialinterfaces settings
remotesupportservice contracts
federationpeers other servers
federationgroups other servers
activehealthsystem a log in a form of its own
backuprestoreservice copies of the configuration
dellattributes  settings, users and communities
attributes      settings
settings        what is to be set
actioninfo      the forms of actions
componentintegrity certificates
resourcedirectory a list of all resources
resourceblocks  parts of composed systems
compositionservice composed systems
jobservice/log  what jobs did
postcodes       codes of the start
dump            memory of the controller
`

// neverRead returns the word of a path that keeps it from being read, or "".
func neverRead(path string) string {
	low := strings.ToLower(path)
	bare, _, _ := strings.Cut(low, "?")
	for _, x := range TreeExclusions() {
		if strings.Contains(bare+"/", "/"+x.OID+"/") {
			return x.OID
		}
	}
	if strings.Contains(bare, "/delllicense") || strings.Contains(bare, "/actions/") {
		return "actions"
	}
	return ""
}

// TreeExclusions are what is never read of a Redfish service: words between two strokes of a path.
func TreeExclusions() []Exclusion {
	var list []Exclusion
	for line := range strings.Lines(unread) {
		if word, what, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			list = append(list, Exclusion{OID: word, What: strings.TrimSpace(what)})
		}
	}
	return list
}

// rank orders what is read: first what rackpost reads itself, last what makes up most of a tree and matters least.
func rank(path string) int {
	low := strings.ToLower(path)
	for _, word := range []string{"/pciedevices", "/pciefunctions", "/networkdevicefunctions", "/assembly", "/entries", "/jobs/", "/tasks/", "/oem/dell/dell", "/taskservice", "/sensors/"} {
		if strings.Contains(low, word) {
			return 2
		}
	}
	for _, word := range []string{"/systems", "/chassis", "/managers", "/updateservice"} {
		if strings.HasPrefix(low, rootPath+word) {
			return 0
		}
	}
	if low == rootPath {
		return 0
	}
	return 1
}

// unlinked are resources that stand below another one, by the beginning of its last part, and that no link leads to.
const unlinked = `
idrac.embedded  Jobs
idrac.embedded  Oem/Dell/Jobs
system.embedded Oem/Dell/DellControllerBattery
system.embedded PowerSubsystem/Oem/Dell/DellControllerBattery
system.embedded Oem/Dell/DellDrives
system.embedded Oem/Dell/DellVolumes
`

// besides returns the paths below a resource that no link leads to, and that may be there.
func besides(path string) (list []string) {
	parent := path[:strings.LastIndexByte(path, '/')]
	switch lastPart(parent) {
	case "systems", "chassis", "managers":
	default:
		return nil
	}
	for line := range strings.Lines(unlinked) {
		if begin, below, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(lastPart(path), begin) {
			list = append(list, path+"/"+strings.TrimSpace(below))
		}
	}
	return list
}

// maxPart is the longest name of a file.
const maxPart = 200

// recordable reports whether a path can be that of a file below the folder.
func recordable(path string) bool {
	if path != rootPath && !strings.HasPrefix(path, rootPath+"/") || len(path) > 1024 {
		return false
	}
	for _, part := range strings.Split(path[1:], "/") {
		if part == "" || part == "." || part == ".." || len(part) > maxPart || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) {
			return false
		}
	}
	return true
}
