// Package workload makes the reports of a made-up site, the same for the same seed: the load
// every figure of storage and speed is measured with.
//
// The reference site is 100 servers, 20 switches with half of their ports busy, and one ASA
// pair. Samples of one visit of each section:
//
//	        every 60 s                  every 300 s                                  a second
//	switch  ports 728, cpu 3            environment 19, memory 6                     12.266667
//	server  heartbeat 12                sensors 188, storage 432, network 136         2.720000
//	ASA     ports 140, cpu 6, conn. 6   environment 22, memory 18                     2.666667
//
// which is 20 x 12.266667 + 100 x 2.72 + 2.666667 = 520 samples a second. Inventory is read
// once an hour and has components but no numbers; the admin and oper state of ports are
// states of their components.
//
// Half of the ports of a switch have no link, and of the counters of the others errors and
// discards hardly ever move. Traffic follows the hour and the day of the week. Of the
// gauges some never change, some step by one now and then, some are noisy. A few are
// absent, with a reason. Events come at the rates of the constants in events.go: some 200
// changes worth a fact a day, nearly all of them ports.
package workload
