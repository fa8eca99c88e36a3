// Package matrix breaks real pairs in every way of docs/failures.md, and checks what they keep: for tests only.
//
// Each row runs two boxes, a witness where it needs one, and the devices they visit as processes in network namespaces of
// their own, joined by a switch and a cable. It needs root, ip, nft and nsenter, and is skipped where they are missing.
package matrix
