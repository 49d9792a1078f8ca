# Weir's images. The one to run is the last; `docker build --target NAME .` makes another:
#   runtime  the program on a base without a shell (default)
#   small    the program without the compiler, the ways to NATS and OTLP: it runs the bundled plugins, and others that were
#            compiled ahead of time
#   debug    the same as runtime beside a shell
#   dev      the toolchain; the source is mounted, see docker-compose.dev.yaml
# It needs nothing but Docker's built-in syntax. Hardened bases go in by --build-arg.
ARG RUST_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot
ARG DEBUG_IMAGE=gcr.io/distroless/cc-debian12:debug-nonroot

FROM ${RUST_IMAGE} AS toolchain
WORKDIR /src
ENV CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=/target CARGO_TERM_COLOR=never
# Where rustup cannot be reached, `debian` takes the compiler for the plugins from Debian's packages.
ARG WEIR_WASM_TOOLCHAIN=
COPY plugins/toolchain.sh plugins/
RUN plugins/toolchain.sh

# The plugins change seldom, so they are built apart from the program that carries them.
FROM toolchain AS plugins
COPY wit wit
COPY tests/guests tests/guests
COPY plugins plugins
RUN plugins/build.sh bundled

# Everything that the program depends on, built from the manifests and empty sources: it is built again only when they change.
FROM toolchain AS dependencies
# How much cargo shall optimise; a build that is only tried takes half the time with LTO=off and OPT_LEVEL=1.
ARG CARGO_PROFILE_RELEASE_LTO=thin
ARG CARGO_PROFILE_RELEASE_OPT_LEVEL=3
ENV CARGO_PROFILE_RELEASE_LTO=${CARGO_PROFILE_RELEASE_LTO} CARGO_PROFILE_RELEASE_OPT_LEVEL=${CARGO_PROFILE_RELEASE_OPT_LEVEL}
COPY Cargo.toml Cargo.lock ./
COPY host/Cargo.toml host/
COPY tests/Cargo.toml tests/
RUN mkdir -p host/src tests/support \
 && touch host/src/lib.rs tests/support/lib.rs \
 && for file in host/build.rs host/src/main.rs $(sed -n 's|^path = "\(.*/main.rs\)"|tests/\1|p' tests/Cargo.toml); do \
      mkdir -p "$(dirname "$file")" && echo 'fn main() {}' >"$file"; \
    done
RUN cargo build --locked --release --package weir

FROM dependencies AS build
# The oldest processors on which the bundled plugins need not be compiled at the first start: without it x86-64-v2, on arm64 all.
ARG CPU=
COPY wit wit
COPY plugins plugins
COPY examples examples
COPY tests/guests tests/guests
COPY migrations migrations
COPY host host
COPY --from=plugins /target/plugins /plugins
ENV WEIR_BUNDLED_PLUGINS=/plugins
# The empty sources are newer than the real ones; cargo compares times.
RUN touch host/build.rs host/src/lib.rs host/src/main.rs \
 && cargo build --locked --release --package weir --features bundled \
 && mkdir -p /out/data /out/doc \
 && /target/release/weir plugin bake ${CPU:+--cpu "$CPU"} --output /out/weir
COPY .ci/sbom.py .ci/
COPY LICENSE ./
RUN .ci/sbom.py bundled >/out/doc/weir.cdx.json && cp LICENSE /out/doc/

FROM ${RUNTIME_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=unknown
ARG RUNTIME_IMAGE
LABEL org.opencontainers.image.title="Weir" \
      org.opencontainers.image.description="An Apache Iceberg REST catalog whose rules are WebAssembly plugins" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The authors of Weir" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.url="${SOURCE}" \
      org.opencontainers.image.documentation="${SOURCE}" \
      org.opencontainers.image.base.name="${RUNTIME_IMAGE}"
COPY .ci/image/weir.toml /etc/weir/weir.toml
COPY --from=build /out/doc /usr/share/doc/weir
COPY --from=build --chown=65532:65532 /out/data /var/lib/weir
COPY --from=build /out/weir /usr/bin/weir
ENV WEIR_CONFIG=/etc/weir/weir.toml
USER 65532:65532
WORKDIR /var/lib/weir
# State lies here and nowhere else, so the root may be read-only.
VOLUME /var/lib/weir
EXPOSE 8181 9181
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/bin/weir", "healthcheck"]
ENTRYPOINT ["/usr/bin/weir"]
CMD ["serve"]

FROM ${DEBUG_IMAGE} AS debug
COPY .ci/image/weir.toml /etc/weir/weir.toml
COPY --from=build /out/doc /usr/share/doc/weir
COPY --from=build --chown=65532:65532 /out/data /var/lib/weir
COPY --from=build /out/weir /usr/bin/weir
ENV WEIR_CONFIG=/etc/weir/weir.toml
USER 65532:65532
WORKDIR /var/lib/weir
EXPOSE 8181 9181
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/bin/weir", "healthcheck"]
ENTRYPOINT ["/usr/bin/weir"]
CMD ["serve"]

FROM toolchain AS dev
VOLUME /target
EXPOSE 8181 9181
# Whatever was mounted is built, then served; restarting the container builds again what changed.
CMD ["sh", "-c", "plugins/build.sh bundled && exec cargo run --features weir/bundled --bin weir -- serve"]

FROM build AS build-small
ARG CPU=
RUN cargo build --locked --release --package weir --no-default-features --features bundled \
 && /out/weir plugin bake ${CPU:+--cpu "$CPU"} --program /target/release/weir --output /out/weir

FROM runtime AS small
COPY --from=build-small /out/weir /usr/bin/weir

# What `docker build .` makes.
FROM runtime
