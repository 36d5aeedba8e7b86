# Everything a person does with this repository. `make help` lists it.

SHELL       := /bin/bash
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
TIMEOUT     := 15m
FUZZTIME    ?= 10m

.DEFAULT_GOAL := help
.PHONY: help run build setup setup-test test fuzz chaos lint bench-queue bench-reads bench-imaging bench-e2e image clean

help: ## show this
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup build ## set everything up and serve on http://127.0.0.1:3000
	exec bin/app serve

build: ## build bin/app
	CGO_ENABLED=0 go build -trimpath -o bin/app .

TURBO := $(if $(wildcard /usr/lib/*/libturbojpeg.so.0 /usr/lib64/libturbojpeg.so.0 /usr/lib/libturbojpeg.so.0),,libturbojpeg.so.0:libturbojpeg0)

setup: ## install what serving wants: redis-server, libjpeg-turbo
	@.ci/need redis-server:redis-server $(TURBO)

setup-test: setup ## install what the tests want besides: a C compiler for the race detector
	@.ci/need gcc:gcc /usr/include/stdlib.h:libc6-dev

test: setup-test ## run all tests, with the race detector
	CGO_ENABLED=1 go test -race -timeout $(TIMEOUT) ./...
	go test -run 'Memory|Bombs|Sampling|SearchSpan|^Fuzz' ./cache ./imaging ./storage/sqlite # what the race detector would falsify or slow down

# One worker at a time: what a picture takes is measured. A find is written to the
# target's testdata/fuzz, where `make test` tries it from then on.
fuzz: setup ## try made-up pictures on each decoder, FUZZTIME (10m) each, one after another
	@set -e; for package in $$(go list ./imaging/...); do \
		listed=$$(go test -list '^Fuzz' $$package); \
		for target in $$(grep '^Fuzz' <<< "$$listed"); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x -parallel 1 $$package; \
		done; \
	done

# The storm takes about three minutes with its aftermath, the fence one.
chaos: setup ## kill -9 a process every second for a minute; ARGS="--redis-kill=10s" adds to it
	go run ./bench/chaos $(ARGS)
	go test -count=1 -v -run '^TestPausedProcessChangesNothing$$' ./queue -args -fence.rounds=10

lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

bench-queue: setup ## measure the queue beside BullMQ and asynq, with ARGS='-help' for its flags
	go run ./bench/queue $(ARGS)

bench-e2e: setup build ## measure from upload to finished variants beside a Node stack
	go run ./bench/e2e $(ARGS)

bench-reads: setup ## measure cached reads beside bare gin and a Node stack
	go run ./bench/reads $(ARGS)

bench-imaging: setup ## measure imaging beside sharp, with ARGS='-help' for its flags
	go run ./bench/imaging $(ARGS)

image: ## build the container image with docker
	docker build -t revela .

clean: ## remove what was built; data/ stays
	rm -rf bin
