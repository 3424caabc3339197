# The front door. Each target calls one thing; the programs are in tests/src/bin.
.PHONY: demo test cluster cluster-down image plugin bench lint

demo: ; @tests/run demo
test: ; @tests/run check
cluster: ; @tests/run cluster up
cluster-down: ; @tests/run cluster down $(if $(FORCE),--force)
image: ; @tests/run image
plugin: ; @tests/run plugin
bench: ; @tests/run bench
lint: ; @tests/run check --only lint
