#include "app/support_facts.hpp"

#include "app/runtime.hpp"
#include "config/load.hpp"

#include <boost/version.hpp>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <array>
#include <cerrno>
#include <curl/curlver.h>
#include <fstream>
#include <iterator>
#include <string_view>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <system_error>
#include <zlib.h>

namespace poise::app {

namespace {

constexpr const char* removed = "(removed)";

std::string errors_of(const config::Diagnostics& diagnostics) {
    std::string text = "the file has errors, and is left out:\n";
    for (const config::Diagnostic& one : diagnostics)
        text += fmt::format("{}:{}:{}: {}\n", one.at.file, one.at.line, one.at.column, one.message);
    return text;
}

void clean(config::Service& service) {
    std::string& path = service.health.path;
    if (const std::size_t query = path.find('?'); query != std::string::npos)
        path = path.substr(0, query + 1) + "removed";
    for (config::Rule& rule : service.rules)
        for (auto& [name, value] : rule.match.header)
            if (!value.empty()) value = removed;
}

std::string limit_text(const char* name, decltype(RLIMIT_NOFILE) which) {
    rlimit limit{};
    if (::getrlimit(which, &limit) != 0) return {};
    const auto shown = [](rlim_t value) {
        return value == RLIM_INFINITY ? std::string("unlimited") : fmt::format("{}", value);
    };
    return fmt::format("{}: {} of {}\n", name, shown(limit.rlim_cur), shown(limit.rlim_max));
}

}  // namespace

std::string config_without_secrets(const std::string& path) {
    auto loaded = config::load_config(path);
    if (!loaded) return errors_of(loaded.error());
    for (config::Service& service : loaded->services)
        clean(service);
    return config::effective_yaml(*loaded);
}

std::string node_without_secrets(const std::string& path) {
    auto loaded = config::load_node(path);
    if (!loaded) return errors_of(loaded.error());
    auto& webhook = loaded->alerts.webhook;
    if (webhook && !webhook->url.empty()) webhook->url = removed;
    return config::effective_yaml(*loaded);
}

std::string without_private_keys(std::string text) {
    constexpr std::string_view begin = "-----BEGIN", end = "-----END", mark = "PRIVATE KEY-----";
    for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
        const std::size_t name_end = text.find(mark, at);
        const std::size_t line_end = std::min(text.find('\n', at), text.size());
        if (name_end > line_end) {
            at += begin.size();
            continue;
        }
        const std::size_t last = text.find(end, name_end);
        const std::size_t stop =
            last == std::string::npos ? text.size() : std::min(text.find('\n', last), text.size());
        text.replace(at, stop - at, removed);
    }
    return text;
}

std::string versions_text() {
    return fmt::format("Poise {}\n{}\nBoost {}\nfmt {}\nlibcurl {} (headers)\nzlib {}\nclang {}\n",
                       version(), ::OpenSSL_version(OPENSSL_VERSION), BOOST_LIB_VERSION,
                       FMT_VERSION, LIBCURL_VERSION, ::zlibVersion(), __clang_version__);
}

std::string kernel_text() {
    utsname name{};
    std::string text;
    if (::uname(&name) == 0)
        text +=
            fmt::format("{} {} {} {}\n", name.sysname, name.release, name.version, name.machine);
    text += limit_text("open files", RLIMIT_NOFILE);
    text += limit_text("locked memory", RLIMIT_MEMLOCK);
    constexpr std::array files{"/etc/os-release",
                               "/proc/loadavg",
                               "/proc/meminfo",
                               "/proc/net/sockstat",
                               "/proc/net/sockstat6",
                               "/proc/net/dev",
                               "/proc/net/snmp",
                               "/proc/net/netstat",
                               "/proc/sys/fs/file-max",
                               "/proc/sys/net/core/somaxconn",
                               "/proc/sys/net/core/rmem_max",
                               "/proc/sys/net/ipv4/ip_forward",
                               "/proc/sys/net/ipv4/ip_local_port_range",
                               "/proc/sys/net/ipv4/ip_nonlocal_bind",
                               "/proc/sys/net/ipv4/tcp_max_syn_backlog",
                               "/proc/sys/net/ipv4/tcp_rmem",
                               "/proc/sys/net/ipv4/tcp_wmem"};
    constexpr std::size_t each_max = 16'384;
    for (const char* const file : files)
        text += fmt::format("\n--- {}\n{}", file, end_of(file, each_max));
    return text;
}

std::string end_of(const std::string& path, std::size_t bytes_max) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fmt::format("'{}' cannot be read: {}\n", path,
                           std::error_code(errno, std::generic_category()).message());
    // Files of /proc have no size to seek from: what has passed is forgotten while reading.
    std::string text;
    std::array<char, 65'536> piece;
    while (file.read(piece.data(), piece.size()), file.gcount() > 0) {
        text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
        if (text.size() > 2 * bytes_max + piece.size()) text.erase(0, text.size() - bytes_max);
    }
    if (text.size() > bytes_max) text.erase(0, text.size() - bytes_max);
    return text;
}

}  // namespace poise::app
