# Static checks: format, headers that compile alone, shell scripts, clang-tidy.

cpp_files() {
    find . \( -path ./build -o -path ./.git \) -prune -o \
        \( -name '*.cpp' -o -name '*.hpp' \) -print | sed 's|^\./||' | sort
}
shell_files() { echo dev .ci/run tools/dev/*.sh; }

dev_lint() {
    local all=no
    case ${1:-} in
        "") ;;
        --all) all=yes ;;
        *) misuse lint "there is no option \"$1\"" ;;
    esac
    install_for build lint
    start_counts
    check "format" check_format
    check "shell scripts" check_shell
    check "headers alone" check_headers
    check "clang-tidy" check_clang_tidy "$all"
    close_counts
}

# check NAME COMMAND...: counts one pass or failure.
check() {
    local name=$1 started=$SECONDS
    shift
    if "$@"; then
        report "$name" 1 0 0 $((SECONDS - started))
    else
        report "$name" 0 1 0 $((SECONDS - started))
    fi
}

check_format() {
    cpp_files | xargs clang-format-19 --dry-run -Werror || {
        echo "cure: ./dev fmt"
        return 1
    }
}

check_shell() {
    # shellcheck disable=SC2046
    shellcheck --shell=bash --exclude=SC1091,SC2034 $(shell_files)
}

# Each header is compiled as the only include of an empty file.
check_headers() {
    cpp_files | grep '\.hpp$' | xargs -P "$(nproc)" -I{} clang++-19 -std=c++23 -fsyntax-only \
        -Wall -Wextra -Werror -I. -isystem /usr/share/include/llhttp \
        -DBOOST_ASIO_SEPARATE_COMPILATION -DBOOST_BEAST_SEPARATE_COMPILATION \
        -DBOOST_ASIO_NO_DEPRECATED -DPOISE_SOURCE_DIR='""' -include {} -x c++ /dev/null || {
        echo "cure: include in each header what it uses"
        return 1
    }
}

# Tests are left out: doctest's macros expand to what the checks dislike.
check_clang_tidy() {
    local files
    files=$(tidy_files "$1")
    [[ -n $files ]] || return 0
    configure release
    echo "  clang-tidy on $(wc -w <<<"$files") files"
    # One file a process, so that both cores stay busy to the end.
    xargs -P "$(nproc)" -n 1 timeout 300 clang-tidy-19 -p build/release --quiet \
        <<<"$files" 2> >(grep -v 'warnings\? generated\.$' >&2)
}

# tidy_files ALL: the sources to look at, changed ones unless ALL is yes.
tidy_files() {
    local sources base
    sources=$(cpp_files | grep '\.cpp$' | grep -v -E '^(tests|bench)/')
    if [[ $1 == yes ]] || ! base=$(git merge-base origin/main HEAD 2>/dev/null); then
        echo "$sources"
        return
    fi
    { git diff --name-only "$base"; git ls-files --others --exclude-standard; } |
        grep -F -x -f <(echo "$sources") || true
}
