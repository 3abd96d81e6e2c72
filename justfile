# Daily work in short words, for https://just.systems. Nothing depends on it: each line works in a shell as well.

# What there is.
default:
    @just --list

# Does it compile? The fastest answer.
check:
    cargo check --workspace --all-targets

# Formatting, lints and documentation, as tests/run checks them.
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

# The tests of one program (engine, upkeep, follow, web, cli, sync, browser, package), or those with a name: just test web list
test PROGRAM *FILTER:
    cargo test --test {{PROGRAM}} {{FILTER}}

# The tests inside a crate: just unit model
unit CRATE *FILTER:
    cargo test -p calltrace-{{CRATE}} --lib {{FILTER}}

# All that counts before a change is handed in; 17 minutes on two cores.
all:
    tests/run

# Man pages, help and completions anew, from what the code says.
docs:
    -UPDATE_DOCS=1 cargo test --test cli docs
    cargo test --test cli docs

# A tree of logs to play with: just tree /tmp/logs
tree DIR:
    cargo run --release --example logs -- --root {{DIR}} --enterprises-count 2 --days 3 --calls-per-day 2000

# Timings of parser, scan, joiner, index and tables in one process.
micro *FILTER:
    cargo bench --bench micro -- {{FILTER}}
