// Package raid is the vocabulary of RAID parts and the pure audit of what they say against a
// policy: what would cost data, what is not proven, and what to do about each.
package raid
