# The front door. Each target is one line that calls one thing: a program in tests/src/bin.
RUN = @cargo build --quiet -p netdiag-tests --bins && target/debug

.PHONY: demo test test-long cluster cluster-down image manifests plugin bench lint sbom

demo: ; $(RUN)/demo
test: ; $(RUN)/check
test-long: ; $(RUN)/check --long
cluster: ; $(RUN)/cluster up $(ARGS)
cluster-down: ; $(RUN)/cluster down $(if $(FORCE),--force)
image: ; $(RUN)/image
manifests: ; $(RUN)/manifests
plugin: ; @cargo build --release -p kubectl-netdiag
bench: ; $(RUN)/bench
lint: ; $(RUN)/check --only lint
sbom: ; $(RUN)/sbom
