package matrix_test

import "time"

// mixedVersions: the boxes are updated one after the other. What only the newer version knows is used when both are, and a box that goes
// back leads nothing until it is updated again.
func mixedVersions(p *pair) {
	next, err := newer()
	if err != nil {
		p.t.Fatal(err)
	}
	const raised = "the feature level is raised"
	leader, follower := p.running(boxA, boxB)
	update := func(m *member, program string) {
		m.stop()
		m.program = program
		p.start(m.name)
	}
	update(follower, next)
	p.t.Logf("with one box of the next version whole after %v", p.whole())
	p.always("nothing is used that one box does not know", 6*time.Second, func() bool {
		return !leader.said(raised) && !follower.said(raised) && !leader.alarmed("update")
	})
	update(leader, next)
	p.t.Logf("with two boxes of it whole after %v", p.whole())
	p.t.Logf("the level is raised after %v more", p.until("the feature level is raised", func() bool { return leader.said(raised) || follower.said(raised) }))
	if err := p.leader().keeps("after"); err != nil {
		p.t.Error(err)
	}
	leads := p.leader()
	back := p.other(leads.name)
	update(back, "")
	p.until("the box that went back says that it is to be updated", func() bool { return back.alarmed("update") })
	p.always("it leads nothing", 5*time.Second, func() bool { return !back.view().Authority })
	update(back, next)
	p.t.Logf("updated again whole after %v", p.whole())
	p.until("it has what was agreed on meanwhile", func() bool { return back.kept("after") && !back.alarmed("update") })
	p.check()
}
