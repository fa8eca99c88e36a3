// Package chunk encodes the transposed copy of a sealed segment's samples, so that one
// series can be read without the others. It does no I/O.
//
// The visits of one device are cut into chunks. A chunk is one times row (a few columns of
// integers, one value a visit) and one row a component, with a series for each of its
// sensors. A row can be read without any other row; its points name their visit by its
// index in the times row.
//
// A row is
//
//	version 1 | kind | uvarint: size of the head | [uvarint: its packed size] | head | body | crc32c
//
// The head says what there is and is compressed by zstd where that makes it smaller; the
// body holds the bit-packed numbers, which no compressor makes smaller. The checksum
// covers all before it. Nothing but the twin of a segment is written in this form, and a
// twin can be dropped and made again, so another version needs no converter.
//
// Numbers are stored raw, as differences, or as differences of differences, less the lower
// end of a window and packed at the window's width; the few that lie outside it stand
// apart. Gauges that are exact decimals of up to six places are stored as such integers,
// the others as the exclusive or with the number before. Every bit pattern comes back.
package chunk
