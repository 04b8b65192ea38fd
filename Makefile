# `make demo` and `make test` are all that a newcomer needs; both see to a Docker Engine first.
GO ?= go
BIN := bin/fisherman
LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUMPT := mvdan.cc/gofumpt@v0.12.0

.PHONY: demo test check build bench docker clean

## demo: the whole story on this machine: two releases, signed webhooks, no dropped request
demo: build docker
	$(BIN) demo --once

## test: every test, with the race detector, on a real Docker Engine
test:
	@sh testdata/setup.sh gcc libc6-dev e2fsprogs
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout 15m ./...

## build: the static binary
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o $(BIN) ./cmd/fisherman

## check: format, vet and lint
check:
	@test -z "$$($(GO) run $(FUMPT) -l .)" || { echo "not formatted; run gofumpt -w ."; $(GO) run $(FUMPT) -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run $(LINT) run ./...

## bench: the figures the program is held to, measured in one run
bench: docker
	$(GO) test ./cmd/fisherman ./proxy -run '^$$' -bench . -benchtime 1x -timeout 15m

## docker: start a Docker Engine, installing Debian's or Ubuntu's own where there is none
docker:
	@sh testdata/setup.sh

clean:
	rm -rf bin
