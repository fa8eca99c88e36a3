package cisco

const (
	errDisable   = ciscoMgmt + "548.1."
	portSecurity = ciscoMgmt + "315.1.2.1.1."
)

func errDisableGroups() []*group {
	return []*group{&errDisableGlobalGroup, &errDisableGroup, &portSecurityGroup}
}

var errDisableGlobalGroup = group{
	section: sectionPorts, component: "port/<ifName>", mib: "CISCO-ERR-DISABLE-MIB", kinds: catalystOnly,
	objects: []object{
		{
			name: "cErrDisableRecoveryInterval", oid: errDisable + "1.1", note: "where neither is there, the switch does not tell why it shut a port",
			other: &object{name: "cErrDisableFeatureDetectEnable", oid: errDisable + "2.1.1.3"},
		},
	},
}

var errDisableGroup = group{
	section: sectionPorts, component: "port/<ifName>", mib: "CISCO-ERR-DISABLE-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{
			name: "cErrDisableIfStatusCause", oid: errDisable + "3.1.1.2", use: state, as: toldErrDisabled, words: disableCauses,
			note: "critical. Rows are there only while a port is shut: no row is well. " +
				"Where only some VLANs of a port are shut, they follow the cause; a number without a name is cause-N",
		},
	},
}

var portSecurityGroup = group{
	section: sectionPorts, component: "port/<ifName>", mib: "CISCO-PORT-SECURITY-MIB", kinds: catalystOnly,
	objects: []object{
		{
			name: "cpsIfPortSecurityStatus", oid: portSecurity + "2", use: state, as: toldErrDisabled,
			words: []string{"", "secureup", "securedown", "shutdown"},
			note: "only where the device has no CISCO-ERR-DISABLE-MIB: shutdown, with the port not shut by a person and down, " +
				"is portSecurityViolation; no other cause is known there",
		},
	},
}

// causePortSecurity is portSecurityViolation of CErrDisableFeatureID.
const causePortSecurity = 9

// disableCauses are the names of CErrDisableFeatureID as the MIB spells them.
var disableCauses = []string{
	"", "udld", "bpduGuard", "channelMisconfig", "pagpFlap", "dtpFlap", "linkFlap", "l2ptGuard", "dot1xSecurityViolation",
	causePortSecurity: "portSecurityViolation", "gbicInvalid", "dhcpRateLimit", "unicastFlood", "vmps", "stormControl",
	"inlinePower", "arpInspection", "portLoopback", "packetBuffer", "macLimit", "linkMonitorFailure", "oamRemoteFailure",
	"dot1adIncompEtype", "dot1adIncompTunnel", "sfpConfigMismatch", "communityLimit", "invalidPolicy", "lsGroup", "ekey",
	"portModeFailure", "pppoeIaRateLimit", "oamRemoteCriticalEvent", "oamRemoteDyingGasp", "oamRemoteLinkFault", "mvrp",
	"tranceiverIncomp", "other", "portReinitLimitReached", "adminRxBBCreditPerfBufIncomp", "ficonNotEnabled", "adminModeIncomp",
	"adminSpeedIncomp", "adminRxBBCreditIncomp", "adminRxBufSizeIncomp", "eppFailure", "osmEPortUp", "osmNonEPortUp",
	"udldUniDir", "udldTxRxLoop", "udldNeighbourMismatch", "udldEmptyEcho", "udldAggrasiveModeLinkFailed",
	"excessivePortInterrupts", "channelErrDisabled", "hwProgFailed", "internalHandshakeFailed", "stpInconsistencyOnVpcPeerLink",
	"stpPortStateFailure", "ipConflict", "multipleMSapIdsRcvd", "oneHundredPdusWithoutAck", "ipQosCompatCheckFailure", "loopDetect",
}
