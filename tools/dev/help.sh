# What ./dev prints for help: one text a command, each with examples.

help_for() {
    case $1 in
        deps) help_deps ;; build) help_build ;; test) help_test ;; demo) help_demo ;;
        bench) help_bench ;; lint) help_lint ;; fuzz) help_fuzz ;; lab) help_lab ;;
        instructions) help_instructions ;; fmt) help_fmt ;; *) help_all ;;
    esac
}

help_all() {
    cat <<'TEXT'
usage: ./dev COMMAND [ARGUMENTS]          each installs what it lacks; --help gives examples

  demo      build the balancer and run it over three demo servers, on port 8080
  test      build, run all tests, end with a line "N passed, N failed, N skipped"
  build     build release, debug, asan or tsan
  bench     measure Poise beside HAProxy and nginx
  instructions  count what a request costs; fails when that grew by more than a quarter
  lab       the scenarios over network namespaces only (needs root)
  lint      format, headers, clang-tidy, shell scripts
  fuzz      let the fuzzers look for input that breaks a parser
  fmt       format every C++ source
  deps      install everything that the commands above need, and nothing else

first time here?   ./dev demo
TEXT
}

help_deps() {
    cat <<'TEXT'
usage: ./dev deps

Installs every Debian package that building, testing and measuring need. Each other command
installs its own share by itself; this one is for making an image or working off line later.

  ./dev deps
TEXT
}

help_build() {
    cat <<'TEXT'
usage: ./dev build [release|debug|asan|tsan] [TARGET...]

Builds into build/KIND; the kind is release unless given, the target everything.

  ./dev build                      release: build/release/poise and its tests
  ./dev build asan                 with the address and undefined-behaviour sanitizers
  ./dev build debug pool_tests     one target only
  JOBS=8 ./dev build               more compilers at once than there are cores
TEXT
}

help_test() {
    cat <<'TEXT'
usage: ./dev test [release|debug|asan|tsan] [FOLDER...]

Without arguments: release build, unit tests, rules of the house (tests/tidy), lab scenarios
by io_uring and by epoll at the same time; what they say is in build/lab/*.log meanwhile.
With a kind or folders: the unit tests of that build, of those folders.
The last line is "N passed, N failed, N skipped"; the exit code is 1 when anything failed.

  ./dev test                       everything
  ./dev test asan                  all unit tests under the address sanitizer
  ./dev test tsan pool app         two folders' unit tests under the thread sanitizer
TEXT
}

help_demo() {
    cat <<'TEXT'
usage: ./dev demo [ARGUMENTS OF poise demo]

Builds the balancer and runs it on 127.0.0.1:8080 over three demo servers; it says what to try.
Ctrl-C ends it.

  ./dev demo
  ./dev demo --help                what `poise demo` itself takes is shown by: poise demo --help
TEXT
}

help_bench() {
    cat <<'TEXT'
usage: ./dev bench [ARGUMENTS OF bench/suite.py]

Measures Poise, HAProxy and nginx on this machine, against the same origin. Takes 25 minutes.

  ./dev bench
  ./dev bench --rows c32,tls32,h2  some rows, two minutes
  python3 bench/suite.py --help    what the suite takes
TEXT
}

help_instructions() {
    cat <<'TEXT'
usage: ./dev instructions [ARGUMENTS OF bench/instructions.py]

Counts the instructions of a request in user space, by callgrind, and compares them with
bench/instructions.json. Fails when a row is more than 1.25 of what is expected, and says what to do;
below 0.75 it asks for the file to be written anew. Takes about 40 s.

  ./dev instructions
  ./dev instructions --update      write bench/instructions.json anew: the growth is meant
  ./dev instructions --rows h2 --against OLD/poise     what a change costs
TEXT
}

help_lint() {
    cat <<'TEXT'
usage: ./dev lint [--all]

Checks format, that each header compiles alone, shell scripts, and clang-tidy's findings on the
sources that differ from origin/main, or on all of them with --all.

  ./dev lint
  ./dev lint --all                 what CI runs
TEXT
}

help_fuzz() {
    cat <<'TEXT'
usage: ./dev fuzz [SECONDS] [NAME...]

Runs each fuzzer for SECONDS (60 unless given), from tests/fuzz/corpus/NAME. They are part of the
kind asan. What they learn goes to build/fuzz/corpus/NAME, input that broke something to
build/fuzz/found/.

  ./dev fuzz                       all, a minute each
  ./dev fuzz 600 head              one, ten minutes
TEXT
}

help_lab() {
    cat <<'TEXT'
usage: ./dev lab [ARGUMENTS OF pytest]

Runs the scenarios of tests/lab: clients, balancer and servers in network namespaces. Needs root.

  ./dev lab
  POISE_IO=epoll ./dev lab         by epoll, or by io_uring; else by io_uring where it can be
  ./dev lab -k reload -x           those with "reload" in the name; stop at the first failure
TEXT
}

help_fmt() {
    cat <<'TEXT'
usage: ./dev fmt

Formats every C++ source of the tree with clang-format 19.

  ./dev fmt
TEXT
}
