// Package bmc simulates the management controller of a server: a Redfish service over TLS that serves a model of ours
// or a recorded tree, with the limits of the real ones and faults switched on while it runs.
//
// [New] makes a [BMC] of one of [Models], [NewRecorded] one of a folder of recorded documents. [BMC.Run] serves it on a
// listener, [BMC.Fault] switches a fault and [BMC.Counters] tells what was asked. The models' documents are made by code
// of ours after the published schemas; no value in them was read from a device.
//
// What moves (readings, a rebuild, a job) is a function of the seed and of the clock that was given; a slow answer alone
// takes real time. Certificates, serial numbers and session tokens follow from seed and number: a simulator that starts
// again is the same device to whoever pinned it.
//
// # What is kept as on the device
//
// Eight sessions of 1,800 s without use, then 503 and RAC0218; three failed logins in 60 s lock the address for 60 s, and
// every login, Basic authentication too, is a line in the Lifecycle log. iDRAC8 takes sessions at /redfish/v1/Sessions
// alone. Logs come in pages of 50, newest first, and a log of 500,000 entries takes no memory: an entry is made when it
// is asked for.
//
// [BMC.Rows] is what the SNMP agent of the same controller shows at that moment, made of the same state.
//
// Message ids of refusals that were never seen on a device are ours: those of a wrong password, of a locked address, of
// lockdown mode and of a settings change that is refused.
package bmc
