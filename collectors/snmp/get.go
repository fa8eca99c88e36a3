package snmp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gosnmp/gosnmp"

	"rackpost/hw"
)

// getSize is how many objects one GET asks: 24 numbers fit any agent's packet.
const getSize = 24

// maxGet bounds the objects of one Get.
const maxGet = 4096

// Get reads single objects. The answers are in the order and number asked; an object that
// the device does not have or would not give is a Var with a Reason. The error, a
// *collectors.VisitError, means that nothing was read.
func (s *Session) Get(ctx context.Context, oids ...string) ([]Var, error) {
	if err := checkOIDs(oids, maxGet); err != nil {
		return nil, err
	}
	release, f := s.engage(ctx)
	if f != nil {
		return nil, s.explain(f)
	}
	defer release()
	vars := make([]Var, len(oids))
	for i, oid := range oids {
		vars[i].OID = oid
	}
	read := false
	for rest := vars; len(rest) > 0; {
		n := min(getSize, len(rest))
		f := s.getPart(ctx, rest[:n], &read)
		if f != nil && !read {
			return nil, s.explain(f)
		}
		if f != nil {
			refuse(rest, f.reason)
			break
		}
		rest = rest[n:]
	}
	return vars, nil
}

// refuse sets the reason of those that have neither value nor reason.
func refuse(vars []Var, r hw.Reason) {
	for i := range vars {
		if vars[i].Reason == "" && !vars[i].OK() {
			vars[i].Reason = r
		}
	}
}

// getPart reads vars in one request, and in halves when the device balks, so that one bad
// object costs only itself. A failure means that the device did not answer.
func (s *Session) getPart(ctx context.Context, vars []Var, read *bool) *failure {
	p, f := s.persist(ctx, s.tries, func(x *gosnmp.GoSNMP, _ int) (*gosnmp.SnmpPacket, error) {
		s.oids = s.oids[:0]
		for i := range vars {
			s.oids = append(s.oids, vars[i].OID)
		}
		return x.Get(s.oids)
	})
	if f != nil && (f.silent || f.over || f.reason != hw.Garbage) {
		return f
	}
	reason := hw.Garbage
	if f == nil {
		reason = statusReason(p.Error)
	}
	if reason == "" {
		if settle(vars, p.Variables) {
			if slices.ContainsFunc(p.Variables, legible) {
				s.trouble.fine()
			}
			*read = true
			return nil
		}
		reason = hw.Garbage
		s.trouble.failed(&failure{reason: reason, err: errors.New("the answer is for other objects")})
	}
	if len(vars) == 1 {
		vars[0].Reason = reason
		if !*read && (reason == hw.Garbage || reason == hw.AccessDenied) {
			return &failure{reason: reason, err: errors.New("no object could be read")}
		}
		*read = true
		return nil
	}
	half := len(vars) / 2
	if f := s.getPart(ctx, vars[:half], read); f != nil {
		return f
	}
	return s.getPart(ctx, vars[half:], read)
}

// settle takes over an answer if it is for what was asked.
func settle(vars []Var, got []gosnmp.SnmpPDU) bool {
	if len(got) != len(vars) {
		return false
	}
	for i := range got {
		if strings.TrimPrefix(got[i].Name, ".") != vars[i].OID {
			return false
		}
	}
	for i := range got {
		vars[i].Value = valueOf(&got[i])
		vars[i].Reason = vars[i].Value.Reason()
	}
	return true
}

// statusReason translates an error status; "" is no error.
func statusReason(e gosnmp.SNMPError) hw.Reason {
	switch e {
	case gosnmp.NoError:
		return ""
	case gosnmp.NoSuchName:
		return hw.NotSupported
	case gosnmp.NoAccess, gosnmp.AuthorizationError:
		return hw.AccessDenied
	}
	return hw.DeviceError
}

func checkOIDs(oids []string, most int) error {
	if len(oids) == 0 || len(oids) > most {
		return fmt.Errorf("snmp: %d objects in one call, want 1 to %d", len(oids), most)
	}
	for _, oid := range oids {
		if err := checkOID(oid); err != nil {
			return err
		}
	}
	return nil
}
