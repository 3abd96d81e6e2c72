# The common beginning of the benchmarks of `calltrace serve`: sourced after `here` is set and before anything
# starts. Sets bench_dir and binary; the script names what it needs with `need`, then calls `build`.
# shellcheck shell=bash disable=SC2034,SC2154

bench_dir="${BENCH_DIR:-/tmp/calltrace-bench}"
binary="${CALLTRACE:-}"
# The user's settings must not change what is measured.
unset CALLTRACE CALLTRACE_ROOT CALLTRACE_CONFIG CALLTRACE_DISPLAY_TIMEZONE CALLTRACE_COLOR CALLTRACE_THREADS \
    CALLTRACE_LISTEN CALLTRACE_LOG_FILE
export XDG_CONFIG_HOME="$bench_dir/no-config"

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
stop() {
    say "$*"
    exit 0
}

# need PROGRAM...: programs with packages of the same names.
need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || stop "needs $program (apt-get install $*)"
    done
}

# The folder, and a build with the shipped profile if no binary was named.
build() {
    mkdir -p "$bench_dir" || stop "cannot make $bench_dir"
    [ -n "$binary" ] && return
    (cd "$here" && cargo build --profile dist --locked --bin calltrace) >&2 || stop "the build failed"
    binary="${CARGO_TARGET_DIR:-$here/target}/dist/calltrace"
}
