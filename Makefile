# `make` lists the targets. Everything below needs bash and Go; test, demo and es-up need Java 17 and Maven, or Docker:
# Java where it is there, KCING_ES=docker or KCING_ES=jvm to force one.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory
.DEFAULT_GOAL := help

GO           ?= go
TEST_TIMEOUT ?= 20m
TESTFLAGS    ?=
FUZZTIME     ?= 30s
BENCH        ?= .
BENCHPKG     ?= ./transform ./bulk ./internal/pipeline
REF          ?= HEAD~1
COUNT        ?= 6
BENCHSTAT_VERSION     := v0.0.0-20260908200009-22c9c6c9d4da
GOLANGCI_LINT_VERSION := v2.15.0
KIBANA_MODELS_VERSION := 0.4.1
GORELEASER_VERSION    := v2.15.4
CYCLONEDX_VERSION     := v1.10.0

bin  := .cache/bin
es   := $(bin)/es
lint := $(bin)/golangci-lint-$(GOLANGCI_LINT_VERSION)
demo := .cache/demo
releaser  := $(bin)/goreleaser-$(GORELEASER_VERSION)
cyclonedx := $(bin)/cyclonedx-$(CYCLONEDX_VERSION)/cyclonedx-gomod

# What takes longest begins first, so that no core waits for it at the end.
longest := ./internal/faults ./cmd/kcing ./transform

# One package more than there are cores: the longest wait for servers for a third of their time.
packages = $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

# Tests of one goroutine with much memory, which the race detector makes ten times
# slower and has nothing to find in: they skip themselves with it, and run without it.
without_race := ./transform

# Only the race detector needs a C compiler.
race = $(shell command -v "$$($(GO) env CC)" >/dev/null 2>&1 && echo -race)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: need-go ## build ./kcing, static, with version and commit
	@version=$$(git describe --tags --dirty 2>/dev/null || echo dev); \
	commit=$$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown); \
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$$version -X main.commit=$$commit" -o kcing ./cmd/kcing

.PHONY: test
test: $(es) ## run all tests, against an Elasticsearch started for them (or ELASTICSEARCH_URL)
	@[ -n "$(race)" ] || echo "no C compiler found: testing without the race detector (apt-get install gcc libc6-dev)" >&2
	@KCING_REQUIRE_ELASTICSEARCH=1 $(es) run -- $(GO) test $(race) -p $(packages) \
		-timeout $(TEST_TIMEOUT) $(TESTFLAGS) $(longest) ./...
	@[ -z "$(race)" ] || $(GO) test -timeout $(TEST_TIMEOUT) $(TESTFLAGS) $(without_race)

.PHONY: faults
faults: need-go ## the fault tests of test for longer: 50 kills of kcing, more documents
	@KCING_FAULTS=long KCING_REQUIRE_ELASTICSEARCH=1 $(GO) test $(race) -count=1 -timeout 30m $(TESTFLAGS) ./internal/faults

.PHONY: check
check: need-go ## format, vet, lint, tidy modules, test: what a change has to pass
	@echo "gofmt"; out=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .); [ -z "$$out" ] || { echo "not formatted (gofmt -w): $$out" >&2; exit 1; }
	@echo "go vet"; $(GO) vet ./...
	@echo "go mod tidy"; $(GO) mod tidy -diff
	@echo "golangci-lint"; $(MAKE) lint
	@echo "go test"; $(MAKE) test

# No part of check: it needs Python 3.12, and the models are others' view of Kibana.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 ~/.pyenv/versions/*/bin/python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && { echo $$p; break; }; done)
.PHONY: kibana-models
kibana-models: need-go ## hold the dashboards to kb-dashboard-core, models of Kibana by others (PYTHON=, 3.12 or newer)
	@[ -n "$(PYTHON)" ] || { echo "needs Python 3.12 or newer (PYTHON=/path/to/python)" >&2; exit 1; }
	@[ -x .cache/kibana-models/bin/python ] || "$(PYTHON)" -m venv .cache/kibana-models
	@.cache/kibana-models/bin/python -m pip install --quiet --disable-pip-version-check kb-dashboard-core==$(KIBANA_MODELS_VERSION)
	@$(GO) run ./cmd/kcing setup-kibana --dry-run --env-file /dev/null | .cache/kibana-models/bin/python kibana/checker/models.py

.PHONY: lint
lint: $(lint) ## run golangci-lint (downloaded and built once, about a minute)
	@$(lint) run ./...

.PHONY: fuzz
fuzz: need-go ## run every fuzz target for FUZZTIME=30s
	@list=$$($(GO) test -list '^Fuzz' ./...); \
	awk '/^Fuzz/ { f[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, f[i]; n = 0 }' <<<"$$list" | \
	while read -r pkg name; do \
		echo "$$name in $$pkg"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$pkg" </dev/null; \
	done

.PHONY: bench
bench: need-go ## run the benchmarks (BENCH=pattern)
	@$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 30m ./... | grep -v 'no test files'

.PHONY: profile
profile: need-go ## CPU profile of the transform (BenchmarkTransform/lava) in .cache/profile/cpu.prof
	@mkdir -p .cache/profile
	@$(GO) test -run '^$$' -bench '^BenchmarkTransform$$/^lava$$' -benchtime 5s -o .cache/profile/transform.test \
		-cpuprofile .cache/profile/cpu.prof ./transform
	@$(GO) tool pprof -top -nodecount 25 .cache/profile/transform.test .cache/profile/cpu.prof

# Both on this machine, in turns, so that what else runs here slows both down.
.PHONY: benchcmp
benchcmp: need-go ## benchmarks of this tree against those of REF=HEAD~1 (BENCH=, BENCHPKG=, COUNT=6)
	@git rev-parse --verify --quiet '$(REF)^{commit}' >/dev/null || { echo "REF=$(REF) is no commit here" >&2; exit 1; }
	@dir=$(CURDIR)/.cache/benchcmp; mkdir -p $$dir; rm -f $$dir/old.txt $$dir/new.txt; \
	git worktree remove --force $$dir/tree 2>/dev/null || true; git worktree prune; \
	trap 'git worktree remove --force '$$dir'/tree' EXIT; \
	git worktree add --quiet --detach $$dir/tree '$(REF)'; \
	run() { (cd "$$1" && $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 30m $(BENCHPKG)) >>"$$2"; }; \
	for i in $$(seq $(COUNT)); do \
		echo "round $$i of $(COUNT)" >&2; \
		run $$dir/tree $$dir/old.txt; run $(CURDIR) $$dir/new.txt; \
	done; \
	$(GO) run golang.org/x/perf/cmd/benchstat@$(BENCHSTAT_VERSION) '$(REF)'=$$dir/old.txt tree=$$dir/new.txt

# A server of its own, or that of ELASTICSEARCH_URL; indices, state and samples apart from all others. The settings
# are sourced so that what is in the caller's environment or kcing.env does not lead the demo astray.
.PHONY: demo
demo: build $(es) ## feed 2,500 made-up records into a real Elasticsearch and show what arrived
	@mkdir -p $(demo)
	@$(GO) build -o $(bin)/demo ./internal/demo
	@url=$${ELASTICSEARCH_URL:-$$($(es) url 2>/dev/null || true)}; \
	if [ -z "$$url" ]; then \
		echo "starting Elasticsearch (the first time downloads and builds it)"; \
		port=9200; (exec 3<>/dev/tcp/127.0.0.1/9200) 2>/dev/null && port=0; \
		url=$$($(es) up --port $$port); \
	fi; \
	umask 077; \
	printf "%s='%s'\n" ES_HOST "$$url" ES_INDEX_PREFIX demo- KCING_DB $(demo)/kcing.db KCING_DATA $(demo)/data >$(demo)/kcing.env
	@set -a; . $(demo)/kcing.env; \
	echo; echo "kcing setup-es"; ./kcing setup-es --env-file /dev/null; \
	[ "$$($(bin)/demo boots)" != 0 ] || rm -rf $(demo)/kcing.db $(demo)/data; \
	rm -rf $(demo)/samples; \
	echo; echo "kcing samples --synthetic --sample-size 2500"; \
	./kcing samples --synthetic --sample-size 2500 --samples-dir $(demo)/samples --env-file /dev/null; \
	echo; echo "kcing feed $(demo)/samples"; ./kcing feed --env-file /dev/null $(demo)/samples; \
	./kcing report --env-file /dev/null --html demo-report.html >/dev/null; \
	echo; $(bin)/demo

.PHONY: es-up
es-up: $(es) ## start Elasticsearch and leave it running (port 9200, or ES_PORT)
	@$(es) up $(if $(ES_PORT),--port $(ES_PORT))

.PHONY: es-down
es-down: $(es) ## stop it; its data stays in .cache/elasticsearch (that of a container goes)
	@$(es) down

.PHONY: reset-mappings
reset-mappings: build ## put this version's index templates, whatever is there (ES_HOST)
	@./kcing setup-es --reset

# What is not to be had here is left out, and said: a release has all of it. A daemon may answer and pull nothing.
.PHONY: snapshot
snapshot: $(releaser) ## build what a release has into dist/: archives, packages, SBOMs, image; publish nothing
	@skip=publish; base=$$(sed -n 's/^FROM \(gcr[^ ]*\).*/\1/p' packaging/Dockerfile); \
	$(MAKE) $(cyclonedx) || { echo "cyclonedx-gomod cannot be installed: no SBOMs in this snapshot" >&2; skip+=,sbom; }; \
	docker buildx version >/dev/null 2>&1 && timeout 60 docker pull --quiet "$$base" >/dev/null || { \
		echo "no Docker that has or pulls $$base: no image in this snapshot" >&2; skip+=,docker; }; \
	PATH="$(CURDIR)/$(dir $(cyclonedx)):$$PATH" $(releaser) release --snapshot --clean --skip=$$skip

.PHONY: release-check
release-check: $(releaser) ## check .goreleaser.yaml
	@$(releaser) check

.PHONY: package-test
package-test: need-go ## install, run and remove the packages of dist/ (root; Debian's under systemd in a container)
	@KCING_REQUIRE_PACKAGES=1 $(GO) test -count=1 -v -timeout 10m ./packaging

# For .github/workflows/release.yaml.
.PHONY: release
release: $(releaser) $(cyclonedx)
	@PATH="$(CURDIR)/$(dir $(cyclonedx)):$$PATH" $(releaser) release --clean

.PHONY: clean
clean: ## delete what was built and the demo's files; Elasticsearch and its data stay
	@rm -rf kcing dist demo-report.html $(bin) $(demo)

.PHONY: need-go
need-go:
	@err=$$($(GO) list -m 2>&1) || { \
		echo "needs Go $$(sed -n 's/^go //p' go.mod) or newer (https://go.dev/dl/): $$err" >&2; exit 1; }

# Built each time; Go's cache makes that cheap. Not `go run`: it hides exit codes and does not pass signals on.
.PHONY: $(es)
$(es): need-go
	@$(GO) build -o $@ ./internal/estest/es

$(releaser): | need-go
	@echo "installing goreleaser $(GORELEASER_VERSION) (downloaded and built once, some minutes)"
	@GOBIN=$(CURDIR)/$(bin) GOFLAGS= $(GO) install github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)
	@mv $(bin)/goreleaser $@

$(cyclonedx): | need-go
	@GOBIN=$(CURDIR)/$(dir $@) GOFLAGS= $(GO) install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)

$(lint): | need-go
	@echo "installing golangci-lint $(GOLANGCI_LINT_VERSION)"
	@GOBIN=$(CURDIR)/$(bin) GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(bin)/golangci-lint $@
