package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// castagnoli returns the table of CRC-32C; the standard library makes it once.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// The codecs of a body.
const (
	codecPlain byte = 0
	codecZstd  byte = 1
)

// maxRaw bounds a body before its codec, so that a few bytes of zstd cannot ask for
// gigabytes.
const maxRaw = 16 << 20

// maxWindow is how far back a frame of zstd may refer. Writers stay at an eighth.
const maxWindow = 8 << 20

// Compressor packs and unpacks bodies. It is safe for concurrent use; each box needs one.
type Compressor struct {
	mu       sync.Mutex
	idle     *zstd.Encoder // 1.4 MB: a sync.Pool would let go of it between two flushes
	decoders sync.Pool
	plain    bool // never zstd, whose bytes depend on its version: for files compared byte by byte
}

// pack returns body by the codec that makes it shorter, behind dst.
func (c *Compressor) pack(dst, body []byte) (byte, []byte, error) {
	if c.plain {
		return codecPlain, append(dst, body...), nil
	}
	enc, err := c.encoder()
	if err != nil {
		return 0, nil, err
	}
	defer c.rest(enc)
	start := len(dst)
	out := enc.EncodeAll(body, dst)
	if len(out)-start < len(body) {
		return codecZstd, out, nil
	}
	return codecPlain, append(dst[:start], body...), nil
}

// encoder returns the idle encoder, or makes one.
func (c *Compressor) encoder() (*zstd.Encoder, error) {
	c.mu.Lock()
	enc := c.idle
	c.idle = nil
	c.mu.Unlock()
	if enc != nil {
		return enc, nil
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(maxWindow/8), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("start zstd: %w", err)
	}
	return enc, nil
}

func (c *Compressor) rest(enc *zstd.Encoder) {
	c.mu.Lock()
	c.idle = enc
	c.mu.Unlock()
}

// unpack returns the raw body. The result of codecPlain is stored itself.
func (c *Compressor) unpack(codec byte, stored []byte, raw uint64) ([]byte, error) {
	return c.unpackLimit(codec, stored, raw, maxRaw)
}

func (c *Compressor) unpackLimit(codec byte, stored []byte, raw, limit uint64) ([]byte, error) {
	if raw > limit {
		return nil, corrupt("body of %d bytes, the limit is %d", raw, limit)
	}
	switch codec {
	case codecPlain:
		if uint64(len(stored)) != raw {
			return nil, corrupt("plain body of %d bytes, %d announced", len(stored), raw)
		}
		return stored, nil
	case codecZstd:
		return c.unzstd(stored, raw)
	}
	return nil, fmt.Errorf("codec %d: %w", codec, ErrNewer)
}

func (c *Compressor) unzstd(stored []byte, raw uint64) ([]byte, error) {
	dec, ok := c.decoders.Get().(*zstd.Decoder)
	if !ok {
		var err error
		dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBase),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return nil, fmt.Errorf("start zstd: %w", err)
		}
	}
	defer c.decoders.Put(dec)
	body, err := dec.DecodeAll(stored, make([]byte, 0, raw))
	if err != nil {
		return nil, corrupt("zstd: %v", err)
	}
	if uint64(len(body)) != raw {
		return nil, corrupt("body of %d bytes, %d announced", len(body), raw)
	}
	return body, nil
}

// seal puts the checksum of b behind it.
func seal(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli()))
}

// sealed checks magic and checksum and returns what is between.
func sealed(b []byte, magic string) ([]byte, error) {
	if len(b) < len(magic)+4 || string(b[:3]) != magic[:3] {
		return nil, corrupt("not a %s", magic[:3])
	}
	end := len(b) - 4
	if crc32.Checksum(b[:end], castagnoli()) != binary.BigEndian.Uint32(b[end:]) {
		return nil, corrupt("checksum of %s does not fit", magic[:3])
	}
	if string(b[3:len(magic)]) != magic[3:] {
		return nil, fmt.Errorf("%s version %d: %w", magic[:3], b[3], ErrNewer)
	}
	return b[len(magic):end], nil
}
