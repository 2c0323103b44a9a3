# Instructions a request against what is expected of them.

dev_instructions() {
    install_for build instructions
    if [[ $# -gt 0 ]]; then
        build release poise origin
        exec "${python:?}" bench/instructions.py --products poise "$@"
    fi
    start_counts
    if build release poise origin; then
        say "instructions a request, by callgrind"
        run_instructions
    else
        report "release build" 0 1 0 0
    fi
    close_counts
}

run_instructions() {
    local log=build/instructions.log code=0 started=$SECONDS passed failed
    { "$python" tests/instructions/self_test.py &&
        timeout 600 "$python" bench/instructions.py --check; } >"$log" 2>&1 || code=$?
    passed=$(grep -c '^holds ' "$log" || true)
    failed=$(grep -c '^broken ' "$log" || true)
    if [[ $code -ne 0 && $failed -eq 0 ]]; then failed=1; fi
    grep -v '^holds ' "$log" || true
    report instructions "$passed" "$failed" 0 $((SECONDS - started))
}
