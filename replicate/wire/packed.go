package wire

import (
	"bytes"
	"compress/flate"
	"io"

	"rackpost/replicate/mode"
)

// packed makes what Raft says smaller on the way to and from a witness, which may be at the end of
// a thin line: each message names its fields, and all are alike. Between boxes the memory it takes
// would buy nothing.
type packed struct {
	in     io.Reader
	packer *flate.Writer // to ready
	ready  *bytes.Buffer
	out    io.Writer
	before func(n int) // so many bytes are written
}

// pack returns how both ends of the connection speak, by what they told each other; before is called before packed bytes are
// written.
func pack(c *Conn, before func(n int)) (io.ReadWriter, error) {
	if c.told.Role != mode.Witness && c.Peer.Role != mode.Witness {
		return c.Conn, nil
	}
	ready := new(bytes.Buffer)
	packer, err := flate.NewWriter(ready, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	return &packed{flate.NewReader(c.Conn), packer, ready, c.Conn, before}, nil
}

// Read implements io.Reader.
func (p *packed) Read(b []byte) (int, error) { return p.in.Read(b) }

// Write implements io.Writer: all of b is on its way when it returns, in one piece.
func (p *packed) Write(b []byte) (int, error) {
	p.ready.Reset()
	if _, err := p.packer.Write(b); err != nil {
		return 0, err
	}
	if err := p.packer.Flush(); err != nil {
		return 0, err
	}
	p.before(p.ready.Len())
	if _, err := p.out.Write(p.ready.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}
