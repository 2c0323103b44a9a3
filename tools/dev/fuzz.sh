# Runs the fuzzers of tests/fuzz.

dev_fuzz() {
    local seconds=60
    if [[ ${1:-} =~ ^[0-9]+$ ]]; then seconds=$1 && shift; fi
    case ${1:-} in -*) misuse fuzz "there is no option \"$1\"" ;; esac
    local name
    for name in "$@"; do
        [[ -f tests/fuzz/${name}_fuzz.cpp ]] || misuse fuzz "there is no tests/fuzz/${name}_fuzz.cpp"
    done
    install_for build fuzz
    start_counts
    if build asan fuzzers; then
        say "fuzzers, $seconds s each"
        # shellcheck disable=SC2046
        run_fuzzers "$seconds" $(fuzzer_names "$@")
    else
        report "fuzz build" 0 1 0 0
    fi
    close_counts
}

fuzzer_names() {
    if [[ $# -gt 0 ]]; then
        echo "$@"
    else
        find tests/fuzz -name '*_fuzz.cpp' -exec basename {} _fuzz.cpp \; | sort
    fi
}

# run_fuzzers SECONDS NAME...: as many at once as there are cores.
run_fuzzers() {
    local seconds=$1 name
    shift
    for name in "$@"; do
        while [[ $(jobs -rp | wc -l) -ge $(nproc) ]]; do wait -n || true; done
        run_fuzzer "$name" "$seconds" &
    done
    wait
}

run_fuzzer() {
    local name=$1 seconds=$2 code=0 started=$SECONDS
    local learned=build/fuzz/corpus/$name log=build/fuzz/$name.log
    local corpus=("$learned")
    mkdir -p "$learned" build/fuzz/found
    if [[ -d tests/fuzz/corpus/$name ]]; then corpus+=("tests/fuzz/corpus/$name"); fi
    # In the foreground: else Ctrl-C would not reach it.
    timeout --foreground $((seconds + 120)) "build/asan/tests/fuzz/${name}_fuzz" -max_total_time="$seconds" \
        -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/found/$name-" "${corpus[@]}" >"$log" 2>&1 </dev/null || code=$?
    local executed
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    if [[ $code -ne 0 ]]; then
        tail -n 60 "$log"
        report "fuzz/$name" 0 1 0 $((SECONDS - started))
    else
        report "fuzz/$name" 1 0 0 $((SECONDS - started)) "${executed:-0} inputs tried"
    fi
}
