# syntax=docker/dockerfile:1
# One binary and the system's certificates, no shell; not root, nothing written, so the root can be read-only:
#   docker run --read-only --cap-drop ALL -v ./attache.yaml:/etc/attache/attache.yaml:ro -p 8080:8080 attache
# In a container the listeners must take every address: deploy/attache/attache.yaml says how.
FROM node:20-slim AS console
WORKDIR /src
COPY docs/openapi.json docs/
COPY console console
RUN console/build

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
COPY --from=console /src/console/dist console/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --bin attache \
 && install -D target/release/attache /out/attache

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/attache /attache
USER 65532:65532
EXPOSE 8080 8081 8082
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/attache", "healthcheck"]
ENTRYPOINT ["/attache"]
CMD ["serve", "--config", "/etc/attache/attache.yaml"]
