# For those who have an engine; `make image` writes the same image without one.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --profile agent -p netdiag-agent --target "$(rustc -vV | sed -n 's/^host: //p')" \
        --config "target.$(rustc -vV | sed -n 's/^host: //p').rustflags=['-C', 'target-feature=+crt-static']" \
    && cp target/*-unknown-linux-gnu/agent/netdiag-agent /netdiag-agent

FROM scratch
COPY --from=build /netdiag-agent /netdiag-agent
USER 65532:65532
ENTRYPOINT ["/netdiag-agent"]
