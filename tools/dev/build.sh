# Configures and builds build/KIND.

# A clone elsewhere on the machine finds the same objects in the cache.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true

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
    [[ -f $dir/build.ninja ]] && return
    say "configuring $dir"
    mkdir -p "$dir"
    local options=()
    case $kind in
        release) options=(-DCMAKE_BUILD_TYPE=Release) ;;
        debug) options=(-DCMAKE_BUILD_TYPE=Debug) ;;
        # Without optimisation: compiling costs more than running does (measured, style.md).
        asan) options=(-DCMAKE_BUILD_TYPE=Debug -DPOISE_SANITIZE=address) ;;
        tsan) options=(-DCMAKE_BUILD_TYPE=Debug -DPOISE_SANITIZE=thread) ;;
    esac
    cmake -S . -B "$dir" -G Ninja -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 \
        "${options[@]}" >"$log" 2>&1 || {
        cat "$log" >&2
        fail "cmake could not configure $dir"
    }
}
