# Runs the scenarios of tests/lab: those asked for (./dev lab), or all by each engine (./dev test).

# How much a hung scenario may cost, in seconds.
lab_seconds_max=1800

dev_lab() {
    install_for build test
    build release poise origin datagrams
    lab_possible || fail "$lab_obstacle"
    exec "${python:?}" -m pytest tests/lab "$@"
}

# Sets lab_obstacle when the scenarios cannot run here.
lab_possible() {
    lab_obstacle=""
    if [[ $EUID -ne 0 ]]; then
        lab_obstacle="the lab makes network namespaces and so needs root: sudo ./dev lab"
    elif ! ip netns add "poise-probe-$$" 2>/dev/null; then
        lab_obstacle="the lab needs network namespaces, and \`ip netns add\` is not allowed here"
    else
        ip netns del "poise-probe-$$"
    fi
    [[ -z $lab_obstacle ]]
}

# All scenarios by each way that Poise hears of its sockets, both at once: a scenario waits for
# three quarters of its time. What does not bear company sees to it (tests/lab/lib/company.py).
run_lab() {
    local engine engines=(epoll)
    if ! ls tests/lab/*.py >/dev/null 2>&1; then return; fi
    if ! lab_possible; then
        skip_lab "$lab_obstacle"
        skip_lab "$lab_obstacle"
        return
    fi
    if ring_possible; then
        engines=(io_uring epoll)
    else
        skip_lab "by io_uring: $(cat build/lab/ring.txt)"
    fi
    say "lab scenarios by ${engines[*]}; what they say comes at their end (build/lab/*.log)"
    for engine in "${engines[@]}"; do run_scenarios "$engine" >"build/lab/$engine.txt" & done
    wait
    for engine in "${engines[@]}"; do cat "build/lab/$engine.txt"; done
}

# skip_lab REASON: of one engine.
skip_lab() {
    local skipped
    skipped=$("$python" -m pytest tests/lab --collect-only -q 2>/dev/null | grep -c '::' || true)
    say "lab scenarios skipped: $1"
    count 0 0 "$skipped"
}

ring_possible() {
    mkdir -p build/lab
    echo 'node: {io: io_uring}' >build/lab/ring.yaml
    build/release/poise check --node build/lab/ring.yaml >build/lab/ring.txt 2>&1
}

# run_scenarios ENGINE
run_scenarios() {
    local engine=$1 code=0 started=$SECONDS passed=0 failed=0 skipped=0
    local log=build/lab/$engine.log result=build/lab/$engine.xml
    mkdir -p build/lab
    rm -f "$result"
    # In the foreground: else Ctrl-C would not reach it. By SIGINT, so that it says where it hung
    # and cleans up.
    POISE_IO=$engine timeout --foreground --signal=INT --kill-after=60 "$lab_seconds_max" \
        "$python" -m pytest tests/lab -q -ra -p no:cacheprovider \
        --junitxml="$result" >"$log" 2>&1 </dev/null || code=$?
    if [[ -f $result ]]; then read -r passed failed skipped < <(junit_counts "$result") || true; fi
    if [[ $code -ne 0 && ${failed:-0} -eq 0 ]]; then failed=1; fi
    say "lab scenarios by $engine"
    cat "$log"
    if [[ $code -eq 124 ]]; then echo "  stopped after $lab_seconds_max s"; fi
    report "lab, $engine" "${passed:-0}" "${failed:-0}" "${skipped:-0}" $((SECONDS - started))
}

junit_counts() {
    "$python" - "$1" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

suites = list(tree.parse(sys.argv[1]).getroot().iter("testsuite"))
total, failures, errors, skipped = (sum(int(s.get(name, 0)) for s in suites)
                                    for name in ("tests", "failures", "errors", "skipped"))
print(total - failures - errors - skipped, failures + errors, skipped)
PYTHON
}
