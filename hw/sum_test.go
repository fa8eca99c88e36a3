package hw_test

import (
	"testing"
	"time"

	"rackpost/hw"
)

func TestASumTellsWhatNoPartTells(t *testing.T) {
	t.Parallel()
	sum := func(h hw.Health) hw.Component {
		return hw.Component{Path: "system", Section: "fast", Health: h, Attrs: hw.Attrs{{Key: hw.AttrHealthOf, Value: hw.HealthOfAll}}}
	}
	part := func(h hw.Health) hw.Component {
		return hw.Component{Path: "drive/1", Section: "raid", Health: h, Expected: true}
	}
	visit := func(c ...hw.Component) hw.Report { return read(0, hw.Partial, c...) }
	gone := hw.Report{Device: "sw-1", Read: []hw.Scope{{Section: "raid", Extent: hw.Complete}}}
	for _, c := range []struct {
		name  string
		steps []hw.Report
		level hw.Level // 0: not open
	}{
		{"nothing else is ill", []hw.Report{visit(sum(hw.Warning), part(hw.OK)), visit(sum(hw.Warning), part(hw.OK))}, hw.LevelAverage},
		{"once", []hw.Report{visit(sum(hw.OK), part(hw.OK)), visit(sum(hw.Warning), part(hw.OK))}, 0},
		{"now and then", []hw.Report{visit(sum(hw.Warning)), visit(sum(hw.OK)), visit(sum(hw.Warning))}, 0},
		{"with visits of others between", []hw.Report{visit(sum(hw.Warning)), visit(part(hw.OK)), visit(sum(hw.Warning))}, hw.LevelAverage},
		{"worse when it is told", []hw.Report{visit(sum(hw.Warning)), visit(sum(hw.Warning)), visit(sum(hw.Critical))}, hw.LevelHigh},
		{"worse at once", []hw.Report{visit(sum(hw.Warning)), visit(sum(hw.Critical))}, hw.LevelHigh},
		{"a part is as ill", []hw.Report{visit(sum(hw.Warning), part(hw.Warning)), visit(sum(hw.Warning), part(hw.Warning))}, 0},
		{"a part is worse", []hw.Report{visit(sum(hw.Warning), part(hw.Critical)), visit(sum(hw.Warning), part(hw.Critical))}, 0},
		{"a part is less ill", []hw.Report{visit(sum(hw.Critical), part(hw.Warning)), visit(sum(hw.Critical), part(hw.Warning))}, hw.LevelHigh},
		{"a part nobody can judge", []hw.Report{visit(sum(hw.Warning), part(hw.Unknown)), visit(sum(hw.Warning))}, hw.LevelAverage},
		{"the part is found behind it", []hw.Report{visit(sum(hw.Warning)), visit(part(hw.Warning))}, 0},
		{"the part is found later", []hw.Report{visit(sum(hw.Warning)), visit(sum(hw.Warning)), visit(part(hw.Warning)), visit(sum(hw.Warning))}, 0},
		{"the part was known before", []hw.Report{visit(part(hw.Warning)), visit(sum(hw.Warning)), visit(sum(hw.Warning))}, 0},
		{"the part is well again, the sum is not", []hw.Report{visit(sum(hw.Warning), part(hw.Warning)), visit(sum(hw.Warning), part(hw.OK))}, hw.LevelAverage},
		{"the part is lost", []hw.Report{visit(sum(hw.OK), part(hw.OK)), gone, visit(sum(hw.Critical)), visit(sum(hw.Critical))}, 0},
		{"another sum explains nothing", []hw.Report{visit(sum(hw.Warning)), visit(sum(hw.Warning), hw.Component{Path: "manager", Section: "fast", Health: hw.Warning, Attrs: sum(hw.OK).Attrs})}, hw.LevelAverage},
		{"well again", []hw.Report{visit(sum(hw.Warning)), visit(sum(hw.Warning)), visit(sum(hw.OK))}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &hw.State{}
			for i, r := range c.steps {
				r.Started = noon.Add(time.Duration(i) * minute)
				s.Visit(r)
			}
			if a := alert(s, "system", hw.AlertHealth); a.Open != (c.level > 0) || a.Open && a.Level != c.level {
				t.Errorf("got %+v", a)
			}
		})
	}
}
