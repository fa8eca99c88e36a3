package matrix_test

import (
	"fmt"
	"testing"
)

// TestMatrix is docs/failures.md: a row a subtest, under its number there.
func TestMatrix(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("minutes of real processes; the simulator of replicate/clustertest is the short test")
	}
	from := makeTemplates(t)
	// Go starts those first that come last here: they are the longest.
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprintf("schedule/%d", seed), func(t *testing.T) {
			t.Parallel()
			template := from.witnessed
			if !witnessedBy(seed) {
				template = from.bare
			}
			schedule(newPair(t, template), seed)
		})
	}
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprintf("hq-schedule/%d", seed), func(t *testing.T) {
			t.Parallel()
			hqSchedule(newHQPair(t, from.bare), seed)
		})
	}
	for _, row := range rows(from) {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.run(newPair(t, row.template))
		})
	}
	for _, row := range hqRows(from) {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.run(newHQPair(t, row.template))
		})
	}
}

// row is a fault of docs/failures.md.
type row struct {
	name     string
	template string
	run      func(*pair)
}

// rows are those of a pair alone.
func rows(from templates) []row {
	return []row{
		{"02-follower-killed", from.bare, followerKilled},
		{"03-leader-killed-witnessed", from.witnessed, leaderKilledWitnessed},
		{"04-leader-killed-bare", from.bare, leaderKilledBare},
		{"05-rack-loses-power", from.bare, rackLosesPower},
		{"05-solo-loses-power", from.bare, soloLosesPower},
		{"05-solo-and-follower-lose-power", from.bare, soloAndFollowerLosePower},
		{"06-one-path-cut", from.bare, onePathCut},
		{"06-all-paths-cut", from.bare, allPathsCut},
		{"07-leader-isolated-bare", from.bare, leaderIsolatedBare},
		{"07-leader-isolated-witnessed", from.witnessed, leaderIsolatedWitnessed},
		{"08-one-way", from.bare, oneWay},
		{"08-one-way-back", from.bare, oneWayBack},
		{"08-loss", from.witnessed, lossy},
		{"08-rate", from.bare, slowLine},
		{"09-far-witness-follower-dies", from.witnessed, farWitnessFollowerDies},
		{"10-far-witness-leader-dies", from.witnessed, farWitnessLeaderDies},
		{"11-witness-rebuilt", from.witnessed, witnessRebuilt},
		{"11-two-witnesses-at-once", from.bare, twoWitnessesAtOnce},
		{"11-witness-moves", from.witnessed, witnessMoves},
		{"11-witness-leaves-and-joins", from.witnessed, witnessLeavesAndJoins},
		{"12-disk-stalls", from.witnessed, diskStalls},
		{"12-disk-hangs", from.witnessed, diskHangs},
		{"13-disk-full-bare", from.bare, diskFullBare},
		{"13-disk-full-witnessed", from.witnessed, diskFullWitnessed},
		{"14-disk-dies", from.witnessed, diskDies},
		{"14-control-corrupt", from.bare, controlCorrupt},
		{"17-leader-paused", from.witnessed, leaderPaused},
		{"17-leader-paused-bare", from.bare, leaderPausedBare},
		{"18-killed-at-random", from.witnessed, killedAtRandom},
		{"19-torn-writes", from.witnessed, tornWrites},
		{"20-follower-old-image", from.bare, followerOldImage},
		{"20-leader-old-image-witnessed", from.witnessed, leaderOldImageWitnessed},
		{"20-leader-old-image-bare", from.bare, leaderOldImageBare},
		{"21-both-taken-over", from.bare, bothTakenOver},
		{"21-taken-over-wrongly", from.bare, takenOverWrongly},
		{"22-flapping", from.bare, flapping},
		{"23-mixed-versions", from.bare, mixedVersions},
		{"30-overload", from.witnessed, overloaded},
		{"27-owner-dies-amid-act", from.witnessed, ownerDiesAmidAct},
		{"27-handed-over", from.bare, handedOver},
		{"15-bit-rot", from.bare, bitRot},
		{"pulled-through", from.bare, pulledThrough},
		{"write-leader-killed-witnessed", from.witnessed, writeLeaderKilledWitnessed},
		{"write-leader-killed-bare", from.bare, writeLeaderKilledBare},
	}
}

// hqRows are those of a pair with a headquarters.
func hqRows(from templates) []row {
	return []row{
		{"hq-last-facts-of-one", "", hqLastFactsOfOne},
		{"hq-last-facts", from.bare, hqLastFacts},
		{"hq-dies", from.bare, hqDies},
		{"hq-leader-cut", from.bare, hqLeaderCut},
		{"hq-stands-still", from.bare, hqStandsStill},
		{"hq-paused", from.bare, hqPaused},
		{"hq-thin-line", from.bare, hqThinLine},
		{"hq-line-cut", from.bare, hqLineCut},
		{"hq-lies", from.bare, hqLies},
		{"hq-two-ways", from.bare, hqTwoWays},
	}
}
