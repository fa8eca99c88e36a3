package cisco_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// quirks are what devices do that no MIB says, by the test that holds us to it.
var quirks = map[string]string{
	"the 32-bit memory of an ASA overflows silently":                 "ASAMemoryOverflows",
	"an ASA leaves the 64-bit memory columns at 0":                   "MemoryIn32BitColumns",
	"only System memory of an ASA may be full":                       "OnlySystemMemoryIsJudged",
	"sysUpTime wraps, snmpEngineTime does not, and they drift apart": "UptimeWrapsAndEngineTimeDoesNot",
	"snmpEngineTime younger than sysUpTime is no restart":            "EngineTimeYoungerIsNoRestart",
	"a device without sysUpTime":                                     "NoUptime",
	"changed later than saved is no alarm after a boot":              "ConfigurationChangedAndSaved",
	"ENVMON's labels hold the state":                                 "LabelsHoldTheState",
	"a temperature state without a fault":                            "TemperatureStateWithoutFault",
	"the index of a CPU differs by family":                           "CPUIndexDiffersByFamily",
	"the oldest know only OLD-CISCO-CPU-MIB":                         "CPUOfTheOldest",
	"the five seconds of FTD":                                        "FiveSecondsOfFTD",
	"the deprecated columns of CPU load":                             "CPUColumnsDeprecated",
	"pools full by design, memory by member":                         "MemoryByMemberAndDriverText",
	"a stack is numbered from 1001 or from 1000":                     "StackNumberedFrom1001Or1000",
	"ring not redundant on lone switches":                            "RingOnlyWhereOneCanBe",
	"StackWise Virtual has no ring":                                  "VirtualStackHasNoRing",
	"a broken ring names its ports":                                  "RingNamesItsOpenPorts",
	"a PoE threshold of 0":                                           "PoEThresholdOutsideTheMIB",
	"a PoE port is found by its part, not by arithmetic":             "PoEPortByEntity",
	"PoE told by Cisco's table alone":                                "PoEWithoutTheStandardTable",
	"forwarding tables need the context of a VLAN":                   "ForwardingTablesNeedTheContextOfTheirVLAN",
	"an err-disable table without rows is well":                      "ErrDisableTableEmpty",
	"an older IOS without the err-disable table":                     "ErrDisableInferred",
	"crasEmailNumSessions is gone":                                   "ScalarsGone",
	"big tables are not asked":                                       "BigTablesAreNotAsked",
	"how an ASA names its interfaces":                                "ASAInterfaceNames",
	"ifHighSpeed 0":                                                  "HighSpeedOfZero",
	"discontinuities, and those that leave them at 0":                "DiscontinuityAndCountersThatFall",
	"32-bit counters only where there are no others":                 "NarrowCountersOnlyWithoutWideOnes",
	"the duplex of a port that is down":                              "DuplexOfADownPort",
	"a serial that is a placeholder":                                 "PlaceholderSerial",
	"sensors that do not work":                                       "SensorsThatDoNotWork",
	"failover rows are empty around a failover":                      "RowsEmptyAroundFailover",
	"Failover Off":                                        "FailoverOff",
	"the index of a tunnel is used again":                 "TunnelIndexUsedAgain",
	"a dead supply of an ASA is one fault":                "OneDeadSupplyIsOneFault",
	"a dead supply of a Catalyst is one fault":            "DeadSupplyIsOneFault",
	"an empty bay is no fault":                            "EmptyBayIsNoFault",
	"VLANs 1002 to 1005":                                  "DefaultVLANsAreHidden",
	"the members of a channel are told by several tables": "ChannelMembersBySource",
	"LLDP's port number is no ifIndex":                    "LLDPPortNumberIsNotIfIndex",
	"a neighbour's index moves":                           "NeighbourIndexMoves",
	"a neighbour told by CDP and LLDP":                    "NeighbourToldByBothProtocols",
	"neighbours behind a switch":                          "NeighboursBehindASwitch",
	"transceivers come and go":                            "TransceiverRowsComeAndGo",
	"a transceiver that writes zeros":                     "TransceiverOfZeros",
	"all sensors of a transceiver of one type":            "TransceiverOfOneType",
	"temperatures in the sensor table alone":              "ChassisTemperatureWithoutEnvmon",
	"flash above 4 GB":                                    "FlashAbove4GB",
	"how flash is named":                                  "FlashNames",
	"a subtree that stalls the agent":                     "SubtreeThatStalls",
	"an interface table that loops":                       "AddressTableLoops",
	"topology changes read from the wrong objects":        "NetdataReadsTopologyChangesFromTheWrongObjects",
	"PoE and load read from columns that are others":      "NetdataReadsPoEAndLoadFromTheWrongObjects",
}

// Every quirk has the test that is named for it.
func TestEveryQuirkHasATest(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func TestQuirk(\w+)\(`).FindAllSubmatch(b, -1) {
			tests[string(m[1])] = true
		}
	}
	for quirk, test := range quirks {
		if !tests[test] {
			t.Errorf("%s: no TestQuirk%s", quirk, test)
		}
	}
}
