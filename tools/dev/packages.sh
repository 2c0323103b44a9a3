# Debian packages: what each command needs, and how the missing ones are installed.

# Debian's own Python, because its packages (pytest, jsonschema) are installed for it.
python=/usr/bin/python3

packages_of() {
    case $1 in
        build) echo clang-19 lld-19 libclang-rt-19-dev cmake ninja-build ccache libboost1.81-dev \
            libssl-dev libcurl4-openssl-dev zlib1g-dev node-llhttp libfmt-dev doctest-dev liburing-dev libnghttp2-dev \
            libbpf-dev libelf-dev libyaml-cpp-dev libcli11-dev nlohmann-json3-dev ;;
        test) echo curl wrk nginx-light haproxy dnsmasq-base dnsperf iperf3 openssl iproute2 nftables \
            procps python3 python3-pytest python3-jsonschema python3-yaml netcat-openbsd \
            xrdp freerdp2-x11 xvfb nghttp2-client nghttp2-server python3-h2 \
            chromium chromium-driver fonts-dejavu-core ;;
        demo) echo curl ;;
        bench) echo curl wrk nghttp2-client nginx-light libnginx-mod-stream haproxy openssl \
            iproute2 procps python3 keepalived nftables ;;
        instructions) echo valgrind nghttp2-client binutils openssl python3 ;;
        lint) echo clang-format-19 clang-tidy-19 shellcheck ;;
        tidy) echo python3 ;;
        fuzz) echo clang-19 libclang-rt-19-dev ;;
    esac
}

is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# install_for SET...: installs the packages of these sets that are missing; quick when none is.
install_for() {
    local set package missing=()
    command -v dpkg-query >/dev/null || fail "this is made for Debian 12: dpkg-query is missing"
    for set in "$@"; do
        for package in $(packages_of "$set"); do
            is_installed "$package" || missing+=("$package")
        done
    done
    [[ ${#missing[@]} -eq 0 ]] && return
    say "installing ${missing[*]}"
    install_packages "${missing[@]}"
}

install_packages() {
    local as_root=()
    if [[ $EUID -ne 0 ]]; then
        command -v sudo >/dev/null ||
            fail "not root, and there is no sudo. As root, run: apt-get install $*"
        as_root=(sudo)
    fi
    # One root shell, so that the policy file below never outlives it.
    "${as_root[@]}" bash -s -- "$@" <<'ROOT' || fail "apt-get could not install: $*"
set -eu
export DEBIAN_FRONTEND=noninteractive
# nginx and haproxy are wanted as programs: exit code 101 tells Debian not to start the services.
# A policy that the machine has already stays as it is.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
quiet=(-q -o=Dpkg::Use-Pty=0 -o=APT::Color=0)
apt-get "${quiet[@]}" update </dev/null
apt-get "${quiet[@]}" install -y --no-install-recommends "$@" </dev/null
ROOT
}
