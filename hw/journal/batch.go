package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// ErrNewer is in every error about bytes of a later version: whole, but not for this
// program to read. They are held, shipped and dropped like all others.
var ErrNewer = errors.New("written by a later version")

// ErrNoLayout is in every error about a batch whose layout is not there.
var ErrNoLayout = errors.New("layout missing")

// ErrTooMuch is in every error about what is whole, and more than is remembered of one site.
var ErrTooMuch = errors.New("more than is remembered of a site")

// ErrOtherSite is in every error about records of another site than the one they were given to.
var ErrOtherSite = errors.New("journal of another site")

// Format is the batch format this program writes.
const Format = 1

// Mode is what the writer was when it wrote.
type Mode uint8

// The modes.
const (
	ModeUnknown Mode = iota
	Lone
	Leader
	Solo
	Island
)

// String returns the word of the mode.
func (m Mode) String() string {
	names := [...]string{"unknown", "lone", "leader", "solo", "island"}
	if int(m) >= len(names) {
		return names[ModeUnknown]
	}
	return names[m]
}

// ClockState is what the writer knew of its wall clock.
type ClockState uint8

// The clock states.
const (
	ClockUnknown ClockState = iota
	ClockTrusted
	ClockUntrusted
)

// Limits of a batch: a writer exceeds none, a reader refuses more.
const (
	MaxRecords = 1 << 20
	MaxLayouts = 4096
	MaxSeq     = 1<<62 - 1
	MaxTurn    = 1<<62 - 1
	maxExtra   = 1 << 12
)

// NextTurn returns the turn of what is written at wallMS by a store whose greatest turn is
// greatest. At the end of all turns it stands still: a hostile turn must not stop a journal.
func NextTurn(wallMS int64, greatest uint64) uint64 {
	return min(max(uint64(max(0, wallMS)), min(greatest, MaxTurn)+1), MaxTurn)
}

// Header is the envelope of a batch: all that a version must know to hold, ship, order and
// drop it, whatever its body is.
type Header struct {
	Format byte
	Key
	Turn        uint64
	WallMS      int64
	Boot        [8]byte
	SinceBootMS uint64
	Mode        Mode
	Clock       ClockState
	Previous    uint32 // checksum of the batch before it in its stream; 0 for the first
	Uses        []LayoutID
	Records     int
}

// Batch is what one flush wrote of one stream: the bytes as written, for ever, and their
// envelope. Layouts are the layouts its receiver may lack; they travel beside the batch.
type Batch struct {
	Header
	Bytes   []byte
	Layouts []Layout
	Plain   []byte // the body unpacked, when its maker has it still; may be nil

	codec byte
	extra []byte // a later version's additions to the envelope
	raw   uint64
	body  []byte
}

// Checksum returns the CRC-32C at the end of the batch.
func (b *Batch) Checksum() uint32 { return binary.BigEndian.Uint32(b.Bytes[len(b.Bytes)-4:]) }

// AppendBatch writes a batch of the records in body behind dst. h.Format is Format.
func (c *Compressor) AppendBatch(dst []byte, h Header, body []byte) ([]byte, error) {
	if len(body) > maxRaw || h.Records < 0 || h.Records > MaxRecords || len(h.Uses) > MaxLayouts {
		return nil, fmt.Errorf("batch %s: %d bytes, %d records, %d layouts are over the limit", h.Key, len(body), h.Records, len(h.Uses))
	}
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("batch %s: %w", h.Key, err)
	}
	codec, packed, err := c.pack(nil, body)
	if err != nil {
		return nil, err
	}
	start := len(dst)
	dst = h.append(append(dst, 'R', 'P', 'J', Format))
	dst = append(dst, codec)
	dst = binary.AppendUvarint(dst, uint64(len(h.Uses)))
	for _, l := range h.Uses {
		dst = append(dst, l[:]...)
	}
	dst = append(dst, 0) // nothing extra
	dst = binary.AppendUvarint(dst, uint64(h.Records))
	dst = binary.AppendUvarint(dst, uint64(len(body)))
	dst = binary.AppendUvarint(dst, uint64(len(packed)))
	dst = append(dst, packed...)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli())), nil
}

// append writes what stands between the format and the codec.
func (h *Header) append(dst []byte) []byte {
	dst = h.StreamKey.append(dst)
	dst = binary.AppendUvarint(dst, h.Seq)
	dst = binary.AppendUvarint(dst, h.Turn)
	dst = binary.AppendUvarint(dst, zigzag(h.WallMS-int64(h.Turn)))
	dst = append(dst, h.Boot[:]...)
	dst = binary.AppendUvarint(dst, h.SinceBootMS)
	dst = append(dst, byte(h.Mode), byte(h.Clock))
	return binary.BigEndian.AppendUint32(dst, h.Previous)
}

// check says what no envelope may say.
func (h *Header) check() error {
	if h.Seq == 0 || h.Seq > MaxSeq || h.Turn == 0 || h.Turn > MaxTurn {
		return corrupt("seq %d, turn %d", h.Seq, h.Turn)
	}
	if h.Incarnation == 0 || h.Stream == 0 {
		return corrupt("incarnation %s, stream %d", h.Incarnation, uint8(h.Stream))
	}
	if h.WallMS < minMS || h.WallMS > maxMS {
		return corrupt("wall time %d ms is outside the years 1 to 9999", h.WallMS)
	}
	return nil
}

// NameOf returns what a batch that ParseBatch may refuse calls itself: nothing vouches for it. What it does not tell is zero.
func NameOf(b []byte) (k Key) {
	if len(b) < 4+streamKeySize || string(b[:3]) != "RPJ" {
		return k
	}
	k.StreamKey.read(b[4:])
	p := b[4+streamKeySize:]
	_ = readUvarints(&p, &k.Seq) // what is cut short has none
	return k
}

// ParseBatch reads the envelope of a batch of any format and checks its checksum. The
// batch keeps b.
func ParseBatch(b []byte) (Batch, error) {
	if len(b) < 8 || string(b[:3]) != "RPJ" {
		return Batch{}, corrupt("not a batch")
	}
	end := len(b) - 4
	if crc32.Checksum(b[:end], castagnoli()) != binary.BigEndian.Uint32(b[end:]) {
		return Batch{}, corrupt("checksum of the batch does not fit")
	}
	out := Batch{Bytes: b}
	if out.Format = b[3]; out.Format == 0 {
		return Batch{}, corrupt("batch of format 0")
	}
	if err := out.parseEnvelope(b[4:end]); err != nil {
		return Batch{}, fmt.Errorf("envelope: %w", err)
	}
	return out, nil
}

func (b *Batch) parseEnvelope(p []byte) error {
	if len(p) < streamKeySize {
		return corrupt("cut short")
	}
	b.StreamKey.read(p)
	p = p[streamKeySize:]
	var wall uint64
	if err := readUvarints(&p, &b.Seq, &b.Turn, &wall); err != nil {
		return err
	}
	b.WallMS = unzigzag(wall) + int64(b.Turn) // what wraps around is outside the limits
	if err := b.check(); err != nil {
		return err
	}
	if len(p) < 8 {
		return corrupt("cut short")
	}
	copy(b.Boot[:], p)
	p = p[8:]
	if err := readUvarints(&p, &b.SinceBootMS); err != nil {
		return err
	}
	if len(p) < 7 {
		return corrupt("cut short")
	}
	b.Mode, b.Clock = Mode(p[0]), ClockState(p[1])
	b.Previous = binary.BigEndian.Uint32(p[2:])
	b.codec = p[6]
	return b.parseBody(p[7:])
}

func (b *Batch) parseBody(p []byte) error {
	var n, records, stored uint64
	if err := readUvarints(&p, &n); err != nil {
		return err
	}
	if n > MaxLayouts || n*uint64(len(LayoutID{})) > uint64(len(p)) {
		return corrupt("%d layouts", n)
	}
	for range n {
		b.Uses = append(b.Uses, LayoutID(p[:len(LayoutID{})]))
		p = p[len(LayoutID{}):]
	}
	var err error
	if b.extra, p, err = sized(p); err != nil {
		return err
	}
	if len(b.extra) > maxExtra {
		return corrupt("%d extra bytes", len(b.extra))
	}
	if err := readUvarints(&p, &records, &b.raw, &stored); err != nil {
		return err
	}
	if records > MaxRecords || b.raw > maxRaw || stored > maxRaw || stored != uint64(len(p)) {
		return corrupt("%d records, %d bytes raw, %d of %d stored", records, b.raw, stored, len(p))
	}
	b.Records, b.body = int(records), p
	return nil
}

func readUvarints(p *[]byte, to ...*uint64) (err error) {
	for _, v := range to {
		if *v, *p, err = uvarint(*p); err != nil {
			return err
		}
	}
	return nil
}

// Unpacked returns how many bytes the body has without its codec, as the envelope says. Body returns no more.
func (b *Batch) Unpacked() int { return int(b.raw) }

// Body unpacks the records of the batch. A body of streams other than facts in a later
// format is ErrNewer. Call it once and keep the result: it is not cached.
func (c *Compressor) Body(b *Batch) ([]byte, error) {
	if b.Plain != nil {
		return b.Plain, nil
	}
	if b.Format > Format && b.Stream != Facts {
		return nil, fmt.Errorf("batch %s has format %d: %w", b.Key, b.Format, ErrNewer)
	}
	body, err := c.unpack(b.codec, b.body, b.raw)
	if err != nil {
		return nil, fmt.Errorf("batch %s: %w", b.Key, err)
	}
	return body, nil
}
