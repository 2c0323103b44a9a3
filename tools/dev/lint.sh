# Static checks: format, headers that compile alone, shell scripts, clang-tidy.

cpp_files() {
    find . \( -path ./build -o -path ./.git \) -prune -o \
        \( -name '*.cpp' -o -name '*.hpp' \) -print | sed 's|^\./||' | sort
}
shell_files() { echo dev .ci/run tools/dev/*.sh tools/dev/{tidy_compiler,precompile}; }

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

# Each header is compiled as the only include of an empty file; ccache knows those that passed.
check_headers() {
    mkdir -p build/lint
    : >build/lint/empty.cpp
    export -f header_alone
    cpp_files | grep '\.hpp$' | xargs -P "$(nproc)" -I{} bash -c 'header_alone {}' || {
        echo "cure: include in each header what it uses"
        return 1
    }
}

header_alone() {
    ccache clang++-19 -std=c++23 -Wall -Wextra -Werror -I. -isystem /usr/share/include/llhttp \
        -DBOOST_ASIO_SEPARATE_COMPILATION -DBOOST_BEAST_SEPARATE_COMPILATION \
        -DBOOST_ASIO_NO_DEPRECATED -include "$1" -c build/lint/empty.cpp -o "build/lint/${1//\//_}.o"
}

# Tests are left out: doctest's macros expand to what the checks dislike.
check_clang_tidy() {
    local files
    files=$(tidy_files "$1")
    [[ -n $files ]] || return 0
    configure lint
    echo "  clang-tidy on $(wc -w <<<"$files") files; ccache knows those that have not changed"
    export -f tidy_alone
    # One file a process, so that all cores stay busy to the end.
    xargs -P "$(nproc)" -I{} bash -c 'tidy_alone {}' <<<"$files"
}

tidy_alone() {
    local arguments
    read -ra arguments < <(grep -F -- "-c $PWD/$1\"" build/lint/compile_commands.json |
        sed 's/.*"command": "[^ ]* //; s/ -o [^ ]*//; s/",$//')
    if [[ ${#arguments[@]} -eq 0 ]]; then
        echo "$1: no target of CMakeLists.txt compiles it"
        return 1
    fi
    CCACHE_COMPILERTYPE=clang CCACHE_COMMENTS=1 \
        CCACHE_COMPILERCHECK="clang-tidy-19 --version" \
        CCACHE_EXTRAFILES=.clang-tidy:tools/dev/tidy_compiler TIDY_BUILD=build/lint \
        ccache tools/dev/tidy_compiler "${arguments[@]}" -o "build/lint/${1//\//_}.o"
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
