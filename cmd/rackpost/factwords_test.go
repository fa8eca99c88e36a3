package main

import (
	"testing"

	"rackpost/web"
)

func TestFactsInWords(t *testing.T) {
	t.Parallel()
	port := func(health, oper, alias string) web.Fact {
		state := map[string]any{"admin": "up", "oper": oper}
		return web.Fact{Kind: "component", Component: "port/Gi1/0/1", Group: "ports", Value: map[string]any{
			"health": health, "state": state, "attrs": map[string]any{"alias": alias}, "flaps": float64(3),
		}}
	}
	var teller factTeller
	for i, x := range []struct {
		fact web.Fact
		want string
	}{
		{port("ok", "up", "to the core"), `ok admin=up alias="to the core" flaps=3 oper=up`},
		{port("warning", "down", "to the core"), `health: ok -> warning, oper: up -> down`},
		{port("warning", "down", ""), `alias: "to the core" -> none`},
		{port("warning", "down", ""), `the same again`},
		{web.Fact{Kind: "component", Component: "port/Gi1/0/1", Group: "poe", Value: map[string]any{"health": "ok"}}, `ok`},
		{web.Fact{Kind: "component", Component: "port/Gi1/0/1", Group: "ports", Removed: true}, `gone`},
		{port("ok", "up", ""), `ok admin=up flaps=3 oper=up`},
	} {
		if got := teller.tell(x.fact); got != x.want {
			t.Errorf("fact %d is told as %s, want %s", i, got, x.want)
		}
	}
}
