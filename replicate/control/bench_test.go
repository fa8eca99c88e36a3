package control_test

import (
	"fmt"
	"testing"
	"time"

	"rackpost/replicate/control"
)

// full is a state of 200 documents, 100 versions of a site of 60 KB and 1,000 settled claims.
func full(b *testing.B) (s control.State, index uint64) {
	b.Helper()
	apply := func(c control.Command) {
		cmd, err := control.Encode(c)
		if err != nil {
			b.Fatal(err)
		}
		index++
		if s, err = s.Apply(index, cmd); err != nil {
			b.Fatal(err)
		}
	}
	content := make([]byte, 60<<10)
	for i := range 200 {
		apply(&control.Put{Name: fmt.Sprintf("secret/%d", i), Content: content[:500], Who: "anna", At: start})
	}
	for i := range uint64(100) {
		apply(&control.Put{Name: control.Site, Expected: i, Content: content, Who: "anna", At: start.Add(time.Duration(i) * time.Second)})
	}
	for i := range 1000 {
		apply(&control.Start{Key: fmt.Sprintf("mail/%d", i), Kind: "mail", Node: nodeOf(0), Attempt: 1, At: start})
		apply(&control.Settle{Key: fmt.Sprintf("mail/%d", i), Attempt: 1, Outcome: control.Done, At: start})
	}
	return s, index
}

func BenchmarkApply(b *testing.B) {
	s, index := full(b)
	cmd, err := control.Encode(&control.Start{Key: "mail/next", Kind: "mail", Node: nodeOf(0), Attempt: 1, At: start})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Apply(index+1, cmd); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSnapshot(b *testing.B) {
	s, _ := full(b)
	for b.Loop() {
		b.SetBytes(int64(len(s.Encode())))
	}
}

func BenchmarkRestore(b *testing.B) {
	s, _ := full(b)
	dump := s.Encode()
	b.SetBytes(int64(len(dump)))
	for b.Loop() {
		if _, err := control.DecodeState(dump); err != nil {
			b.Fatal(err)
		}
	}
}
