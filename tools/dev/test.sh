# Runs tests and adds up what passed, failed and was skipped.

# How much a hung test may cost, in seconds.
unit_seconds_max=600

dev_test() {
    local kind="" folders=()
    case ${1:-} in release | debug | asan | tsan) kind=$1 && shift ;; esac
    folders=("$@")
    local folder
    for folder in ${folders[@]+"${folders[@]}"}; do
        [[ -d tests/unit/$folder ]] || misuse test "there is no folder tests/unit/$folder"
    done
    install_for build
    start_counts
    if [[ -n $kind || ${#folders[@]} -gt 0 ]]; then
        run_unit_tests "${kind:-release}" ${folders[@]+"${folders[@]}"}
    else
        install_for test
        run_unit_tests release
        run_tidy
        run_sim
        run_lab
    fi
    close_counts
}

# ---- counting ---------------------------------------------------------------------------------

start_counts() {
    mkdir -p build
    counts=$(mktemp build/counts.XXXXXX)
    trap 'rm -f "$counts"' EXIT
}

# count PASSED FAILED SKIPPED
count() { echo "$1 $2 $3" >>"$counts"; }

# Prints the closing line, or hands the counts to the caller that adds up several runs
# (POISE_COUNTS names its file). Fails when a test failed or none ran.
close_counts() {
    if [[ -n ${POISE_COUNTS:-} ]]; then cat "$counts" >>"$POISE_COUNTS"; fi
    local passed failed skipped
    read -r passed failed skipped < <(awk '{p+=$1; f+=$2; s+=$3} END {print p+0, f+0, s+0}' "$counts")
    if [[ -z ${POISE_COUNTS:-} ]]; then
        echo "$passed passed, $failed failed, $skipped skipped"
    fi
    [[ $failed -eq 0 && $passed -gt 0 ]]
}

# report NAME PASSED FAILED SKIPPED SECONDS [REMARK]: one line for people, and the count.
report() {
    local word="ok    "
    if [[ $3 -gt 0 ]]; then word="FAILED"; fi
    printf '  %s %-22s %4d ok %3d failed %3d skipped %5d s%s\n' "$word" "$1" "$2" "$3" "$4" "$5" \
        "${6:+, $6}"
    count "$2" "$3" "$4"
}

# ---- unit tests -------------------------------------------------------------------------------

# run_unit_tests KIND [FOLDER...]
run_unit_tests() {
    local kind=$1 folder targets=() executable
    shift
    for folder in "$@"; do targets+=("${folder}_tests"); done
    if [[ $# -eq 0 ]]; then
        targets=(unit_tests)
        if [[ $kind == release ]]; then targets+=(poise origin datagrams pair_sim); fi
    fi
    if ! build "$kind" "${targets[@]}"; then
        report "$kind build" 0 1 0 0
        return
    fi
    say "unit tests of build/$kind"
    for executable in "build/$kind/tests/"*_tests; do
        folder=$(basename "$executable" _tests)
        if [[ $# -gt 0 && " $* " != *" $folder "* ]]; then continue; fi
        run_unit_executable "$kind" "$executable"
    done
}

run_unit_executable() {
    local kind=$1 executable=$2 log=$2.log started=$SECONDS code=0 passed=0 failed=0 skipped=0
    ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 \
        UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=second_deadlock_stack=1 \
        timeout "$unit_seconds_max" "$executable" --no-colors >"$log" 2>&1 </dev/null || code=$?
    # [doctest] test cases: 12 | 11 passed | 1 failed | 0 skipped
    local summary='.*test cases: *[0-9]* | *\([0-9]*\) passed | *\([0-9]*\) failed | *\([0-9]*\) skipped.*'
    read -r passed failed skipped < <(sed -n "s/$summary/\1 \2 \3/p" "$log" | tail -n 1) || true
    # A crash, a time-out or a sanitizer's report is a failure, whatever was counted before.
    if [[ $code -ne 0 && ${failed:-0} -eq 0 ]]; then failed=1; fi
    if [[ $code -ne 0 ]]; then tail -n 80 "$log"; fi
    if [[ $code -eq 124 ]]; then echo "  stopped after $unit_seconds_max s: $executable"; fi
    report "$kind/$(basename "$executable" _tests)" "${passed:-0}" "${failed:-0}" \
        "${skipped:-0}" $((SECONDS - started))
}

# ---- rules of the house -----------------------------------------------------------------------

run_tidy() {
    local log=build/tidy.log code=0 passed failed
    say "rules of the house"
    { "${python:?}" tests/tidy/self_test.py && "$python" tests/tidy/tidy.py; } >"$log" 2>&1 || code=$?
    passed=$(grep -c '^holds ' "$log" || true)
    failed=$(grep -c '^broken ' "$log" || true)
    if [[ $code -ne 0 && $failed -eq 0 ]]; then failed=1; fi
    if [[ $code -ne 0 ]]; then grep -v '^holds ' "$log" || true; fi
    report tidy "$passed" "$failed" 0 0
}

# ---- the pair on virtual time ----------------------------------------------------------------

run_sim() {
    local log=build/sim.log code=0 started=$SECONDS
    say "the pair on virtual time, ten million beats"
    timeout "$unit_seconds_max" build/release/tests/pair_sim --beats 10000000 >"$log" 2>&1 || code=$?
    cat "$log"
    if [[ $code -eq 0 ]]; then
        report sim 1 0 0 $((SECONDS - started))
    else
        report sim 0 1 0 $((SECONDS - started))
    fi
}
