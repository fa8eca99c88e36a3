// Package sim simulates SNMP devices: read-only v1 and v2c agents that serve a recording
// or a model of ours, with faults switched on while they run.
//
// # Numbered readings
//
// In every model one sensor numbers its own readings: ifHCInUcastPkts of the first
// physical port (GigabitEthernet1/0/1 on the Catalysts, the first interface on the ASA).
// Its value is 1 at the first reading after a start and one greater at each further one.
// A reading counts when an answer that holds it was sent; an answer that was lost on the way
// counts, an answer that was cut before it does not. [Device.Readings] tells how many were
// given. What a poller stored is complete and without repeats when its values are 1 to that
// number.
package sim
