package journal

// NewPlainCompressor returns a Compressor that leaves every body as it is.
func NewPlainCompressor() *Compressor { return &Compressor{plain: true} }

// Limits that tests go up to.
const (
	MaxName       = maxName
	MaxComponents = maxComponents
	MaxRaw        = maxRaw
	MinMS         = minMS
	MaxMS         = maxMS
)
