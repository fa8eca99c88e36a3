# rackpost. `make run` shows it at work, `make test` tests all of it; both need Go and a C compiler, nothing else.

GO      ?= go
TAGS    := gosnmp_nodebug,osusergo,netgo,sqlite_omit_load_extension
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZ    ?= 2m

export GO TAGS VERSION FUZZ

.PHONY: help run test bench lint soak release build

help:
	@echo "make run      build, then show two boxes that watch a simulated rack; WITNESS=1: and a third voter; Ctrl-C ends it"
	@echo "make test     every test; as root on Debian it installs what they need (about ten minutes)"
	@echo "make lint     formatting, vet, staticcheck, limits, go.mod"
	@echo "make bench    the benchmarks; the result is kept in dist/bench.txt"
	@echo "make soak     the long tests: 1,000 kills, 1,000 power cuts, FUZZ=$(FUZZ) a fuzz target (hours)"
	@echo "make build    bin/rackpost"
	@echo "make release  static binaries for linux/amd64 and linux/arm64 in dist/"

run: build
	@bin/rackpost demo $(if $(WITNESS),-witness)

build:
	@.ci/build bin/rackpost

test:
	@.ci/test

lint:
	@.ci/lint

bench:
	@.ci/bench

soak:
	@.ci/soak

release:
	@.ci/release
