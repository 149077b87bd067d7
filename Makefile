VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)
GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# The SQLite driver is C.
export CGO_ENABLED := 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ready build ## Run a pipeline on this machine, without an account; KEEP=1 leaves the dashboard up
	@bin/stagegate demo $(if $(KEEP),--keep)

.PHONY: test
test: ready browser ## Run every test; TESTFLAGS=-race adds flags
	go test -timeout 15m -parallel 4 $(TESTFLAGS) ./...

.PHONY: fuzz
fuzz: compiler ## Run every fuzz target for FUZZTIME each (10s)
	@scripts/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ready build ## Measure stagegate run beside a raw loop over the Engine API; ROUNDS=9
	go run ./internal/bench -rounds $(or $(ROUNDS),9) -write docs/performance.md

.PHONY: check
check: TESTFLAGS := -race
check: lint test ## Run exactly what CI runs, which is lint and the tests under the race detector
	go mod tidy -diff

.PHONY: lint
lint: compiler ## Look for mistakes and for wrong imports
	$(GOLANGCI_LINT) run

.PHONY: fmt
fmt: ## Format the Go files
	$(GOLANGCI_LINT) fmt

.PHONY: build
build: compiler ## Build bin/stagegate
	@go build -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/stagegate ./cmd/stagegate

.PHONY: image
image: ## Build the container image stagegate/stagegate
	docker build --build-arg VERSION=$(VERSION) --tag stagegate/stagegate:$(VERSION) --tag stagegate/stagegate:latest .

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin coverage*

# Silent where nothing is missing; see the scripts.
.PHONY: ready compiler browser
ready: compiler
	@scripts/docker-engine.sh
	@scripts/test-image.sh
compiler:
	@scripts/c-compiler.sh
browser:
	@scripts/browser.sh
