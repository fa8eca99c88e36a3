package scrub

import (
	"regexp"
	"strings"
)

// vocabulary are words that name equipment, places in it, states and standards: they are
// nobody's, wherever they stand. What is a host's name only by default is among them.
const vocabulary = `
access active adaptive admin administratively adaptor agent alarm ambient ap appliance asa asav asr auto auxiliary backbone backplane
backup bank battery bay bias bottom box bridge bundle cable card cat catalyst cell channel chassis circuit cisco ciscoasa client cloud
component configured connected console container control controller cooling copper core cpu critical current data datacenter dc default
defined device dhcp diagnostic disabled distribution dmz dns down driver dual dynamic edge enabled enhanced environment err error
ethersvi ethernet exhaust expansion external failed failover failure fan fast fastethernet faulty fex fiber fibre fixed firepower
firewall flash floor front ftd fully functioning gateway gb ge gig gigabit gigabitethernet global gold green gre group guest guests
hardware heartbeat high host hot hotspot hw image in inlet inline inside interface intake intelligent intermediate internal internet
internetwork ios ip ipsec ipv4 ipv6 iscsi isdn lan left level license lim linecard link linux lldp local localhost log lo
loopback low machine main maintenance major manage managed management master member memory mgmt middle minor mode module mon
monitor motherboard mount mpls multi name native network nexus nms no node none normal not notexist notpresent null number
nvram of off ok on operating optical optics other out outlet outside output over overload pair part pbx phone phones physical pix
poe poll pool port portchannel power present primary printer printers private probe processor protocol proxy psu public ram rack rate
ready rear receive red redundant release remote reserved ring rj45 rom room root router routers routing rps rsp rx san secondary
security semiconductor sensor serial server servers service services sfp shutdown side sip slot snmp software source spare spanning speed
ssd stack stacking stackport stackwise standalone standby state static status storage sub supervisor supply svi switch switches
switched switching sync system systems telephone temp temperature test threat defense the this thermal threshold to top
transceiver transmit tray tree trunk tunnel two tx type undefined unit unknown unrouted up uplink uplinks ups user users vdc
version video virtual vlan vlans voice voip volt voltage vpc vpn vss vtp wan warning watch web wifi wired wireless wlan wlc yellow
fddi trnet fddinet token-ring-default fddi-default fddinet-default trnet-default failover-link stateful nlp int tap ccl ha ctl
reload reloaded requested restart restarted by command crash crashed exception bus parity cycle reset upgrade returned rom
text build compiled copyright technical support bootstrap boot program loader systems inc base universal mempool dma capabilities
nlp_int_tap ccl_ha_nlp_int_tap ha_ctl_nlp_int_tap
array bios boss dell disk hpe idrac ilo lenovo logical nvme perc poweredge proliant raid sas sata supermicro volume xcc
`

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

// ports are the names of interfaces as Cisco's software makes them, long and short, with the
// number that must follow.
const ports = `(?:` +
	`(?:fastethernet|gigabitethernet|tengigabitethernet|ethernet|port-channel|vlan-?|loopback|tunnel|stackport|serial|management|port) ?|` +
	`fas?|gige?|gi|tengige?|te|twogigabitethernet|twogige?|tw|fivegigabitethernet|fi|twentyfivegige|twe|fortygigabitethernet|fortygige|fo|` +
	`fiftygige|hundredgige|hundredgigabitethernet|hu|fourhundredgige|appgigabitethernet|ap|eth?|po|vl|lo|tu|null|nu|stacksub-st|st|se|` +
	`mgmt|ma|internal-data|internal-control|bdi|bvi|nvi|bluetooth|bl|control|virtualportgroup|virtual-access|virtual-template|vi|vt|` +
	`voip-null|embedded-service-engine|dialer|di|eobc|eo|wlan-gigabitethernet|wi|cellular|fex` +
	`)[0-9]+(?:[/:.-][0-9]+)*`

// grammar recognises what has a form of its own in a text.
type grammar struct {
	known           map[string]bool // the vocabulary
	port, wholePort *regexp.Regexp
	family          *regexp.Regexp // of models, by which people call hosts too
	defaultVLAN     *regexp.Regexp
	mac, ipv6, ipv4 *regexp.Regexp
	serial, udi     *regexp.Regexp
	cisco           *regexp.Regexp // a serial number of Cisco, were it like the name of an interface: FAS12345678
}

func newGrammar() grammar {
	return grammar{
		known:       words(vocabulary),
		port:        regexp.MustCompile(`(?i)\b` + ports + `\b`),
		wholePort:   regexp.MustCompile(`(?i)^(?:` + ports + `)$`),
		family:      regexp.MustCompile(`(?i)^(?:ws-)?(?:c|asa|cat|isr|asr|fpr)[0-9]{4}[a-z]{0,3}$`),
		defaultVLAN: regexp.MustCompile(`(?i)^vlan[ -]?[0-9]{1,4}$`),
		mac:         regexp.MustCompile(`(?i)[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}|[0-9a-f]{4}(?:[.:-][0-9a-f]{4}){2}|[0-9a-f]{2}(?: [0-9a-f]{2}){5}`),
		ipv6:        regexp.MustCompile(`(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3})?`),
		ipv4:        regexp.MustCompile(`[0-9]{1,3}(?:\.[0-9]{1,3}){3}`),
		serial:      regexp.MustCompile(`^(.+)\(([A-Za-z0-9]{5,})\)$`),
		cisco:       regexp.MustCompile(`(?i)^[a-z]{3}[0-9]{4}[a-z0-9]{4}$`),
		udi:         regexp.MustCompile(`(?i)\b(?:SN|serial(?: ?(?:number|no|#))?)[:= ]+([A-Za-z0-9]{5,})`),
	}
}

// common reports whether a text is nobody's: a word of the vocabulary, the name of an interface
// or of a family of models.
func (g *grammar) common(s string) bool {
	return g.known[lower(s)] || g.wholePort.MatchString(s) || g.family.MatchString(s)
}

// noSerial reports whether a text is nobody's where a serial number stands.
func (g *grammar) noSerial(s string) bool { return g.common(s) && !g.cisco.MatchString(s) }
