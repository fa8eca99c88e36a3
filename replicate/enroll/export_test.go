package enroll

// Hold keeps the register from being changed until the function is called that it returns.
func Hold(r *Registry) func() {
	r.mu.Lock()
	return r.mu.Unlock
}
