package server

import "rackpost/collectors"

// KindAt is Kind with a pace of its own, in requests a second.
func KindAt(rate float64) collectors.Kind { return kindAt(rate) }
