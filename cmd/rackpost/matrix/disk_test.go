package matrix_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"rackpost/replicate/netlab"
	"rackpost/store"
	"rackpost/store/powerfs"
	"rackpost/web"
)

// onPower moves a member's data to a disk that loses power, with what a folder has.
func (p *pair) onPower(m *member, content string) *powerfs.FS {
	p.t.Helper()
	disk := powerfs.ForTest(p.t, content)
	m.moveTo(disk.Dir())
	return disk
}

// cutPower takes the power from members at once; each gets a new disk with what was left on the old one.
func (p *pair) cutPower(disks map[*member]*powerfs.FS, torn bool, random *rand.Rand) {
	p.t.Helper()
	left := map[*member]string{}
	for m, disk := range disks {
		survivor, err := disk.Cut(torn, random.Uint64())
		if err != nil {
			p.t.Fatal(err)
		}
		left[m] = survivor
	}
	for m := range disks {
		m.kill()
	}
	for m, survivor := range left {
		if err := disks[m].Close(); err != nil {
			p.t.Fatal(err)
		}
		disks[m] = p.onPower(m, survivor)
	}
}

// rackLosesPower: both boxes at once, in mid-write, plain and torn; the devices stay.
func rackLosesPower(p *pair) {
	a, b := p.member(boxA), p.member(boxB)
	disks := map[*member]*powerfs.FS{a: p.onPower(a, a.data()), b: p.onPower(b, b.data())}
	random := p.random()
	leader, _ := p.running(boxA, boxB)
	leader.visits(time.Now())
	for _, torn := range []bool{false, true} {
		time.Sleep(time.Duration(random.Int64N(int64(2 * time.Second))))
		p.cutPower(disks, torn, random)
		p.start(boxA, boxB)
		p.t.Logf("whole again after %v", p.whole())
		p.leader().visits(time.Now())
	}
	p.check()
	p.back(a, b)
}

// soloLosesPower: both boxes, but the leader was alone for a while. It waits until it hears the other one.
func soloLosesPower(p *pair) {
	leader, follower := p.running(boxA, boxB)
	follower.kill()
	leader.mode("solo")
	leader.visits(time.Now())
	leader.kill()
	p.start(leader.name)
	leader.mode("island")
	p.always("it has no authority before it hears the other box", 4*time.Second, func() bool { return !leader.view().Authority })
	p.t.Logf("it waits: %s", leader.view().Why)
	p.start(follower.name)
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// soloAndFollowerLosePower: the other one was set aside, came back, and does not vote yet.
func soloAndFollowerLosePower(p *pair) {
	leader, follower := p.running(boxA, boxB)
	follower.kill()
	leader.mode("solo")
	p.start(follower.name)
	p.whole()
	leader.kill()
	follower.kill()
	p.start(leader.name)
	time.Sleep(time.Second)
	p.start(follower.name)
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// tornWrites: the leader loses power again and again, each sector written since the last fsync by the toss of a coin.
func tornWrites(p *pair) {
	a := p.member(boxA)
	disks := map[*member]*powerfs.FS{a: p.onPower(a, a.data())}
	random := p.random()
	p.running(boxA, boxB, third)
	for range 3 {
		time.Sleep(2*time.Second + time.Duration(random.Int64N(int64(2*time.Second))))
		p.cutPower(disks, true, random)
		p.start(boxA)
	}
	p.t.Logf("whole again after %v", p.whole())
	p.check()
	p.back(a)
}

// back ends the use of disks that go with the test.
func (p *pair) back(members ...*member) {
	for _, m := range members {
		m.folder = ""
	}
}

// diskStalls: for four seconds nothing is written. The box is cut off from the pair, and comes back.
func diskStalls(p *pair) {
	leader, follower, disk := p.leaderOnPower()
	from := time.Now()
	p.stall(disk, true)
	p.until("the other box has authority", func() bool { return follower.view().Authority })
	p.t.Logf("authority after %v, the first visit after %v", time.Since(from).Round(10*time.Millisecond), follower.visits(from))
	if wait := 6*time.Second - time.Since(from); wait > 0 {
		time.Sleep(wait)
	}
	p.stall(disk, false)
	if !leader.alive() {
		p.t.Errorf("%s ended although its disk came back", leader.name)
	}
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// leaderOnPower starts the pair with the first box on a disk that may fail, and has it lead.
func (p *pair) leaderOnPower() (leader, follower *member, disk *powerfs.FS) {
	p.t.Helper()
	leader, follower = p.member(boxA), p.member(boxB)
	disk = p.onPower(leader, leader.data())
	if found, _ := p.running(boxA, boxB, third); found != leader {
		follower.must("pair", "transfer")
		p.until("the first box leads", func() bool { return p.leader() == leader })
	}
	leader.visits(time.Now())
	told := leader.durable()
	p.t.Logf("the other box has what was told after %v", p.until("the other box has what was told", func() bool { return follower.shows(told[len(told)-1].visit) }))
	leader.visits(time.Now())
	return leader, follower, disk
}

func (p *pair) stall(disk *powerfs.FS, on bool) {
	p.t.Helper()
	if on { // a process that waits for its disk cannot be killed
		p.t.Cleanup(func() { _ = disk.Stall(false) })
	}
	if err := disk.Stall(on); err != nil {
		p.t.Fatal(err)
	}
}

// diskHangs: nothing is written any more. The process ends, and the other box has authority.
func diskHangs(p *pair) {
	leader, follower, disk := p.leaderOnPower()
	from := time.Now()
	p.stall(disk, true)
	p.until("the other box has authority", func() bool { return follower.view().Authority })
	p.t.Logf("authority after %v, the first visit after %v", time.Since(from).Round(10*time.Millisecond), follower.visits(from))
	p.until("the process gives up", func() bool { return leader.said("the process ends") })
	p.t.Logf("the process gave up after %v", time.Since(from).Round(10*time.Millisecond))
	time.Sleep(2 * time.Second) // it ends hard in one; the kernel lets it go when the disk answers
	p.stall(disk, false)
	leader.ends()
	p.start(leader.name)
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// diskDies: every write fails, the process ends, and the disk never returns. A new one is put in.
func diskDies(p *pair) {
	leader, follower, disk := p.leaderOnPower()
	_, origin, err := store.Identity(leader.data())
	from := time.Now()
	if err == nil {
		err = disk.SetFault(syscall.EIO)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.lost[origin] = leader.name
	leader.ends()
	p.t.Logf("the process ended after %v", time.Since(from).Round(10*time.Millisecond))
	p.until("the other box has authority", func() bool { return follower.view().Authority })
	p.t.Logf("authority after %v, the first visit after %v", time.Since(from).Round(10*time.Millisecond), follower.visits(from))
	p.excused = map[visit]bool{} // at most two seconds of the one box, with a gap over them
	for _, v := range leader.durable() {
		if v.when.After(from.Add(-2 * time.Second)) {
			p.excused[v.visit] = true
		}
	}
	p.until("the dead box may be replaced", func() bool { // it is refused while the box was heard a moment ago
		_, err := follower.rackpost("pair", "replace", leader.name)
		return err == nil
	})
	leader.moveTo(filepath.Join(leader.dir, "new"))
	leader.folder = filepath.Join(leader.dir, "new")
	p.start(leader.name)
	p.joinAt(follower.name, leader.name)
	p.t.Logf("whole again after %v", p.whole())
	own := p.net.Host(leader.name).Address(netlab.LAN).String()
	b, _ := os.ReadFile(leader.logPath())
	for line := range strings.Lines(string(b)) { // the history of the pair has the dead box there
		if strings.Contains(line, "pair connection refused") && strings.Contains(line, " address="+own) {
			p.t.Errorf("the new box calls itself: %s", line)
		}
	}
	p.check()
}

// diskFull: somebody else fills the disk of the leader. Nothing is told durable that is not, the other box leads, and the full
// one follows again when there is room.
func (p *pair) diskFull(members ...string) {
	leader, follower := p.member(boxA), p.member(boxB)
	small := filepath.Join(leader.dir, "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=160m"); err != nil {
		p.t.Skipf("a small disk needs the right to mount: %v", err)
	}
	p.t.Cleanup(func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) })
	copyFolder(p.t, filepath.Join(small, "data"), leader.data())
	leader.moveTo(filepath.Join(small, "data"))
	p.running(members...)
	p.give(leader)
	leader.visits(time.Now())
	p.whole()
	filler := filepath.Join(small, "filler")
	p.until("the disk is full", func() bool { // again and again: the box gives up its ballast
		fill(filler)
		return leader.said("disk full")
	})
	from := time.Now()
	p.t.Logf("authority %v after the disk was full", p.until("the other box has authority", func() bool { return follower.view().Authority }))
	took := follower.visits(from)
	p.t.Logf("the first visit of the other box %v after the disk was full; the full box's last durable visit is %v old", took, time.Since(leader.lastVisit()).Round(time.Second))
	if took > 20*time.Second { // 2 s, a lease at the most, and a visit, on a machine that has much to do
		p.t.Error("the visits do not go on")
	}
	p.always("the other box keeps authority, and the full one follows", 6*time.Second, func() bool {
		fill(filler)
		return follower.view().Authority && !leader.view().Authority
	})
	for _, code := range []struct {
		at   *member
		code string
	}{{leader, "disk_full"}, {follower, "peer_full"}} {
		p.until(code.at.name+" tells "+code.code, func() bool { return code.at.alarmed(code.code) })
	}
	if err := follower.keeps("while-full"); err != nil {
		p.t.Errorf("nothing can be agreed on while a box is full: %v", err)
	}
	if !leader.alive() {
		p.t.Error("a full disk ended the process")
	}
	if err := os.Remove(filler); err != nil {
		p.t.Fatal(err)
	}
	p.t.Logf("whole again after %v", p.whole())
	if p.leader() != follower {
		p.t.Error("authority went back although nobody asked for it")
	}
	p.check()
}

// diskFullBare: the full box has to take what the new leader agrees on.
func diskFullBare(p *pair) { p.diskFull(boxA, boxB) }

// diskFullWitnessed: the witness takes it.
func diskFullWitnessed(p *pair) { p.diskFull(boxA, boxB, third) }

// alarmed says whether the member tells of something.
func (m *member) alarmed(code string) bool {
	return slices.ContainsFunc(m.view().Alarms, func(a web.PairAlarm) bool { return a.Code == code })
}

// fill appends to a file until there is no room.
func fill(name string) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 16
		}
	}
}

// controlCorrupt: what the follower agreed on is not readable any more.
func controlCorrupt(p *pair) {
	leader, follower := p.running(boxA, boxB)
	follower.kill()
	damage(p, filepath.Join(follower.data(), "pair", "control.db"))
	p.start(follower.name)
	p.t.Logf("whole again after %v", p.whole())
	if p.leader() != leader {
		p.t.Error("the leader lost its authority")
	}
	p.check()
}

// damage overwrites the middle of a file.
func damage(p *pair, name string) {
	p.t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		p.t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	noise := make([]byte, info.Size()/2)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	if _, err := f.WriteAt(noise, info.Size()/4); err != nil {
		p.t.Fatal(err)
	}
}

// bitRot: a bit of a sealed segment of the follower turns. It is found at the next start, and the leader has a copy.
func bitRot(p *pair) {
	leader, follower := p.running(boxA, boxB)
	leader.visits(time.Now())
	p.whole()
	time.Sleep(3 * time.Second)
	follower.stop()
	s, err := store.Open(p.t.Context(), store.Options{Dir: follower.data(), Site: siteID, Ballast: -1, MinFree: 1})
	if err == nil {
		err = s.Seal(p.t.Context())
		err = firstError(err, s.Close())
	}
	if err != nil {
		p.t.Fatal(err)
	}
	sealed, err := filepath.Glob(filepath.Join(follower.data(), "*.sealed"))
	if err != nil || len(sealed) == 0 {
		p.t.Fatalf("there is no sealed segment: %v", err)
	}
	damage(p, sealed[0])
	damage(p, strings.TrimSuffix(sealed[0], ".sealed")+".twin") // else the samples are served from it, and not asked for
	p.start(follower.name)
	from := time.Now()
	p.until("the damage is found", func() bool { return follower.said("damaged segment put aside") })
	lost := leader.durable()
	p.until("what was lost is there again", func() bool {
		for _, v := range lost {
			if !follower.shows(v.visit) {
				return false
			}
		}
		return true
	})
	p.t.Logf("there again after %v", time.Since(from).Round(10*time.Millisecond))
	p.whole()
	p.check()
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// oldImage puts the disk of a box back from a copy that is older than what it acknowledged since, as the leader or not.
func (p *pair) oldImage(m *member, leads bool) {
	p.t.Helper()
	m.stop()
	image := filepath.Join(p.dir, "image")
	copyFolder(p.t, image, m.data())
	p.start(m.name)
	p.whole()
	for _, secret := range []string{"first", "second"} {
		if err := p.leader().keeps(secret); err != nil {
			p.t.Error(err)
		}
	}
	if leads {
		m.visits(p.give(m))
	}
	p.whole()
	time.Sleep(11 * time.Second) // what is remembered of the others is written every ten seconds
	m.kill()
	copyFolder(p.t, m.data(), image)
}

// give gives a box authority, so that it has records of its own, and returns when.
func (p *pair) give(m *member) time.Time {
	p.t.Helper()
	p.until("both boxes vote", func() bool {
		if p.leader() == m {
			return true
		}
		_, err := p.other(m.name).rackpost("pair", "transfer")
		return err == nil
	})
	p.until(m.name+" leads", func() bool { return p.leader() == m })
	return time.Now()
}

// imageIsOld starts the box and looks that it has all that was agreed on.
func (p *pair) imageIsOld(m *member) {
	p.t.Helper()
	p.t.Logf("whole again after %v", p.whole())
	for _, secret := range []string{"first", "second"} {
		p.until(secret+" is kept", func() bool { return m.kept(secret) && p.other(m.name).kept(secret) })
	}
	p.check()
}

// followerOldImage: it begins anew, and is taken in.
func followerOldImage(p *pair) {
	_, follower := p.running(boxA, boxB)
	p.oldImage(follower, false)
	p.other(follower.name).mode("solo")
	p.start(follower.name)
	p.imageIsOld(follower)
}

// leaderOldImageWitnessed: the other box was elected meanwhile.
func leaderOldImageWitnessed(p *pair) {
	leader, _ := p.running(boxA, boxB, third)
	p.oldImage(leader, true)
	p.start(leader.name)
	p.imageIsOld(leader)
}

// leaderOldImageBare: nobody else knows what it agreed on alone, so a person has to say that the other box goes on.
func leaderOldImageBare(p *pair) {
	leader, follower := p.running(boxA, boxB)
	p.oldImage(leader, true)
	follower.mode("island")
	p.start(leader.name)
	p.until("the box says that its image is old", func() bool { return leader.alarmed("old_image") })
	p.always("nobody has authority", 5*time.Second, func() bool { return p.leader() == nil })
	follower.must("pair", "takeover", "-peer-is-off", "-why", "its disk was put back")
	p.imageIsOld(leader)
}
