# One image with the one binary; which role it is, is its first argument.

FROM rust:1.95-bookworm AS builder
WORKDIR /fathom
COPY . .
# The profile that every test and figure was made with, and the only tuned one: dependencies are fully optimised, and
# an overflow of our own is an error and never a wrong number. `--release` would drop just those checks.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/fathom/target \
    make build && install -D target/debug/fathom /built/fathom

# The same Debian: the binary asks for no more than its C library.
FROM debian:bookworm-slim
# Certificates to reach the exchange. The simulated market's folder belongs to who writes it, and so does a volume
# that is made there.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin fathom \
    && install -d -o fathom -g fathom /market
COPY --from=builder /built/fathom /usr/local/bin/fathom
USER 10001:10001
ENTRYPOINT ["fathom"]
