// Package parts says in the words of hw what standard Redfish resources tell: pure, and the
// same for every vendor. A kind adds what its vendor's Oem tells.
package parts
