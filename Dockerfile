# syntax=docker/dockerfile:1
# The release image: `serve` and the commands around it, without `dev` and `trigger`.
#   docker build -t onlycar .
#   docker run --env-file FILE onlycar migrate
#   docker run --env-file FILE -p 8080:8080 onlycar

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
# Queries are checked against the committed .sqlx: no database is needed here.
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --no-default-features \
    && cp target/release/onlycar /onlycar

FROM debian:bookworm-slim
# The roots that outgoing TLS connections are checked against.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin onlycar
WORKDIR /app
COPY --from=build /onlycar /app/onlycar
COPY config/ /app/config/
USER onlycar
ENV BIND_ADDR=0.0.0.0:8080
EXPOSE 8080
# The first SIGTERM finishes what is under way (config/production.toml says for how long); allow 30 s before SIGKILL.
STOPSIGNAL SIGTERM
# bash opens the connection itself, so that the image needs no HTTP client. A replica with --no-http answers nothing:
# run it with --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${BIND_ADDR##*:} 2>/dev/null && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q '^HTTP/1.[01] 200' <&3"]
ENTRYPOINT ["/app/onlycar"]
CMD ["serve", "--config", "config/production.toml"]
