// Package keys makes what proves who somebody is, and keeps it: a CA and what it certifies, the one-time tokens that
// people carry over, and the folder that nobody else reads. What a name in a certificate means, who may have one and
// what a token is good for is said by who uses it: replicate/trust of a pair, replicate/enroll of headquarters.
package keys
