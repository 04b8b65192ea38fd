# `make demo` and `make test` are all that a newcomer needs; both see to a Docker Engine first.
GO ?= go
BIN := bin/fisherman
LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUMPT := mvdan.cc/gofumpt@v0.12.0
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.7

.PHONY: demo test chaos model check build bench docker dist clean

## demo: the whole story on this machine: two releases, signed webhooks, no dropped request
demo: build docker
	$(BIN) demo --once

## test: every test, with the race detector, on a real Docker Engine
test:
	@sh testdata/setup.sh gcc libc6-dev e2fsprogs iproute2 bash-completion zsh fish systemd testssl.sh
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout 30m ./...

## chaos: everything that may happen to it, its engine, registry and disk; TIME=1h, SEED=7 to play a plan again, ONLY=journal
TIME ?= 10m
chaos:
	@sh testdata/setup.sh gcc libc6-dev iproute2
	CGO_ENABLED=1 $(GO) test -race ./cmd/fisherman -run '^TestChaos$$' -v -timeout 24h -chaos.time $(TIME) $(if $(SEED),-chaos.seed $(SEED)) $(if $(ONLY),-chaos.only '$(ONLY)')

## model: random lives of the deployer on virtual time, others than in `make test`; RUNS=100000, SEED=1 for the first
RUNS ?= 10000
model:
	FISHERMAN_MODEL_RUNS=$(RUNS) FISHERMAN_MODEL_SEED=$(or $(SEED),$(shell date +%s)) $(GO) test ./deployer -run '^TestModel$$' -v -count=1 -timeout 24h

## build: the static binary
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o $(BIN) ./cmd/fisherman

## dist: what a release consists of, in dist/: static binaries, their checksums, and the roots for the image; VERSION=v1.0.0
VERSION ?= devel
dist:
	rm -rf dist
	for on in linux/amd64 linux/arm64 darwin/arm64; do \
		CGO_ENABLED=0 GOOS=$${on%/*} GOARCH=$${on#*/} $(GO) build -trimpath -ldflags='-s -w -X main.release=$(VERSION)' \
			-o dist/fisherman-$${on%/*}-$${on#*/} ./cmd/fisherman || exit 1; \
	done
	cd dist && sha256sum fisherman-*-* >SHA256SUMS
	cp /etc/ssl/certs/ca-certificates.crt dist/

## check: format, vet and lint, the workflows too
check:
	@test -z "$$($(GO) run $(FUMPT) -l .)" || { echo "not formatted; run gofumpt -w ."; $(GO) run $(FUMPT) -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run $(LINT) run ./...
	$(GO) run $(ACTIONLINT) -shellcheck= -pyflakes= .github/workflows/*.yaml

## bench: the figures the program is held to, measured in one run, as a table; takes about ten minutes
bench: docker
	$(GO) run ./cmd/figures

## docker: start a Docker Engine, installing Debian's or Ubuntu's own where there is none
docker:
	@sh testdata/setup.sh

clean:
	rm -rf bin dist
