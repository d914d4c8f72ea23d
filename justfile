# `just` lists the recipes. Each is one or two plain commands, so none of them needs `just`.

[private]
default:
    @just --list

# what .ci/run does, on this machine
check: lint test

# all tests; they start their own PostgreSQL
test:
    cargo test

# format the code
fmt:
    cargo fmt

# format check and lints, with the parts of `dev` and without
lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    cargo clippy --locked --no-default-features --lib --bins -- -D warnings

# start everything on this machine
dev *arguments:
    cargo run -- dev {{arguments}}

# measure against pgbench on this machine (--quick for a first impression)
bench *arguments:
    cargo bench --bench ingest -- {{arguments}}

# the memory of the server that stores 50 invoices of 40 MiB at once
bench-documents:
    cargo bench --bench documents

# the pages of the panel over two million events (--events N --invoices N for less)
bench-panel *arguments:
    cargo bench --bench panel -- {{arguments}}

# renew the cache of checked queries; `onlycar dev` must be running
sqlx:
    touch src/lib.rs
    rm -f .sqlx/query-*.json
    DATABASE_URL="$(sed -n 's/.*"database_url": "\(.*\)".*/\1/p' .onlycar/dev.json)" SQLX_OFFLINE_DIR="$PWD/.sqlx" cargo check --all-targets

# let libFuzzer look for bytes that break a reader (needs cargo-fuzz and a nightly toolchain): stripe_signature,
# event_envelope, cfdi, pdf_check, jwt
fuzz target seconds="180":
    cargo +nightly fuzz run {{target}} -- -max_total_time={{seconds}}

# licences, bans, sources and advisories (needs cargo-deny)
deny:
    cargo deny check
