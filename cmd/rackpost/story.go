package main

import "context"

func plotHelp() string { return "" }

func runStory(_ context.Context, _ terminal, f demoFlags) error {
	return usagef("there is no scenario %q", shorten(f.scenario))
}
