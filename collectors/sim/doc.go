// Package sim simulates SNMP devices: read-only v1 and v2c agents that serve a recording
// or a model of ours, with faults switched on while they run.
//
// [ReadRecording] and [NewRecorded], or [NewModel], make a [Device]; [Listen] opens an [Agent] for
// it; a [Rack] is several of them with a control socket that [Control] speaks to. [DemoRack] and
// [Fleet] are racks ready to run. The models' data are made by code of ours after the MIBs and the
// habits of the real devices; none of it was copied from one.
//
// Every counter of a model is a function of seed, port and uptime: two devices of one seed say the same at
// the same time, ports without a link stand still, octets fit packets, and the 32-bit columns are
// the low half of the 64-bit ones.
//
// A Catalyst asked with a VLAN behind the community, "public@60", answers BRIDGE-MIB for that VLAN as IOS does, and
// does not answer for one it has not.
//
// # Numbered readings
//
// In every model one sensor numbers its own readings: ifHCInUcastPkts of the first physical port
// (GigabitEthernet1/0/1 on the Catalysts, ifIndex 10101, or 9 with IOS-XE; outside on the ASA, ifIndex 2). Its value
// is 1 at the first reading after the device was made and one greater at each further one. A
// reading counts when an answer that holds it was sent: an answer lost on the way counts, one
// that was cut before the sensor, an error or a broken one does not. A sensor asked for twice in one
// request is read twice. The port's other columns do not count; its ifHCInOctets is 512 for each.
//
// [Device.Readings] tells how many were given. What a poller kept is complete and without repeats
// when its values are 1 to that number, each once. A unit that starts again (reboot, other-unit)
// numbers from 1 again, and each unit of a failover pair numbers its own: then Value is less than
// Given.
package sim
