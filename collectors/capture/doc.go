// Package capture records a device over SNMP or Redfish for a bug report or a test, with everything
// that identifies its owner replaced (package scrub). The result is what collectors/sim replays.
package capture
