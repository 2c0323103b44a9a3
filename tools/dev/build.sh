# Configures and builds build/KIND.

# A clone elsewhere on the machine finds the same objects in the cache.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true
# Objects that start from precompiled headers: known by the sum that tools/dev/precompile writes.
# What ccache is told not to mind is kept away otherwise: -Wdate-time, and no #define before them.
export CCACHE_PCH_EXTSUM=true CCACHE_SLOPPINESS=pch_defines,time_macros

dev_build() {
    local kind=release
    case ${1:-} in release | debug | asan | tsan) kind=$1 && shift ;; esac
    case ${1:-} in -*) misuse build "there is no option \"$1\"" ;; esac
    install_for build
    build "$kind" "$@"
}

# build KIND [TARGET...]
build() {
    local kind=$1
    shift
    configure "$kind"
    say "building build/$kind ${*:-(everything)}"
    # One line that counts for a person, who may have to wait for minutes; none for a log.
    local quiet=(--quiet)
    [[ -t 1 ]] && quiet=()
    NINJA_STATUS='[%f/%t, %es] ' ninja -C "build/$kind" -j "${JOBS:-$(nproc)}" "${quiet[@]}" "$@"
}

configure() {
    local kind=$1 dir=build/$1 log=build/$1/configure.log
    # A tree that was moved or copied cannot use its old build folder.
    if [[ -f $dir/CMakeCache.txt ]] &&
        ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$dir/CMakeCache.txt"; then
        rm -rf "$dir"
    fi
    local options=()
    case $kind in
        release | lint) options=(-DCMAKE_BUILD_TYPE=Release) ;;
        debug) options=(-DCMAKE_BUILD_TYPE=Debug) ;;
        # Without optimisation: compiling costs more than running does (measured, style.md).
        asan) options=(-DCMAKE_BUILD_TYPE=Debug -DPOISE_SANITIZE=address) ;;
        tsan) options=(-DCMAKE_BUILD_TYPE=Debug -DPOISE_SANITIZE=thread) ;;
    esac
    # Two see the sources with what they include themselves: clang-tidy, for which lint is there,
    # and tsan, the kind that builds the fewest tests.
    case $kind in lint | tsan) ;; *) options+=(-DPOISE_PCH=ON) ;; esac
    # A folder from before the options changed is configured anew.
    [[ -f $dir/build.ninja && $(cat "$dir/options" 2>/dev/null) == "${options[*]}" ]] && return
    say "configuring $dir"
    mkdir -p "$dir"
    cmake -S . -B "$dir" -G Ninja -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 \
        "${options[@]}" >"$log" 2>&1 || {
        cat "$log" >&2
        fail "cmake could not configure $dir"
    }
    echo "${options[*]}" >"$dir/options"
}
