# Everything a person does with this repository. `make help` lists it.

SHELL       := /bin/bash
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
TIMEOUT     := 15m

.DEFAULT_GOAL := help
.PHONY: help run build setup setup-test test lint image clean

help: ## show this
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup build ## set everything up and serve on http://127.0.0.1:3000
	exec bin/app serve

build: ## build bin/app
	CGO_ENABLED=0 go build -trimpath -o bin/app .

setup: ## install what serving wants: redis-server
	@.ci/need redis-server:redis-server

setup-test: setup ## install what the tests want besides: a C compiler for the race detector
	@.ci/need gcc:gcc /usr/include/stdlib.h:libc6-dev

test: setup-test ## run all tests with the race detector
	CGO_ENABLED=1 go test -race -timeout $(TIMEOUT) ./...

lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

image: ## build the container image with docker
	docker build -t revela .

clean: ## remove what was built; data/ stays
	rm -rf bin
