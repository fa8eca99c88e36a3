package trust

const MostVouched = mostVouched

// Remembered is of how many statements it is known that a box vouched for them.
func Remembered(k *Keeper) int {
	k.vouched.mu.Lock()
	defer k.vouched.mu.Unlock()
	return len(k.vouched.sums)
}
