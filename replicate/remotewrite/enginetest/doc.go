// Package enginetest writes a real journal to real engines and reads it back from them.
package enginetest
