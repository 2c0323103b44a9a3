// Checks what one service says against itself: ports, times, servers, rules.
#include "config/text_form.hpp"
#include "config/validate.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <unistd.h>

namespace poise::config {

namespace {

bool written(const std::string& path, std::string_view key, const Checks& checks) {
    return checks.places.written(fmt::format("{}/{}", path, key)) ||
           checks.places.written(fmt::format("defaults/{}", key));
}

void validate_protocol(const Service& service, const std::string& path, const Checks& checks) {
    if (service.protocol == Protocol::http || checks.places.broken(path + "/protocol") ||
        checks.places.broken("defaults/protocol"))
        return;
    const auto only_http = [&](std::string_view key, std::string_view what) {
        checks.error(fmt::format("{}/{}", path, key),
                     fmt::format("{} only with protocol http, but service '{}' has {}", what,
                                 service.name, word(service.protocol)));
    };
    if (!service.rules.empty() && service.protocol != Protocol::tcp) {
        checks.error(path + "/rules",
                     fmt::format("rules work only with protocol http and tcp, but service '{}' "
                                 "has {}",
                                 service.name, word(service.protocol)));
    }
    const PersistenceMethod method = service.persistence.method;
    if (method == PersistenceMethod::cookie || method == PersistenceMethod::header)
        only_http("persistence/method", fmt::format("persistence by {} works", word(method)));
}

// What only a request has, and what only the start of a TCP connection tells.
void validate_match(const Match& match, const Service& service, const std::string& path,
                    const Checks& checks) {
    const auto refuse = [&](bool asked, std::string_view key, std::string_view protocol,
                            std::string hint) {
        if (!asked || checks.places.broken(path)) return;
        checks.error(fmt::format("{}/{}", path, key),
                     fmt::format("a rule can ask for '{}' only with protocol {}, but service '{}' "
                                 "has {}",
                                 key, protocol, service.name, word(service.protocol)),
                     std::move(hint));
    };
    if (service.protocol == Protocol::http)
        return refuse(!match.sni.empty(), "sni", "tcp", "ask for the 'host' of the request");
    refuse(!match.host.empty(), "host", "http", "for TLS that is passed on, ask for the 'sni'");
    refuse(!match.path.empty(), "path", "http", "");
    refuse(!match.path_prefix.empty(), "path_prefix", "http", "");
    refuse(match.ignore_case, "ignore_case", "http", "");
    refuse(!match.method.empty(), "method", "http", "");
    refuse(!match.header.empty(), "header", "http", "");
}

void validate_matches(const Service& service, const std::string& path, const Checks& checks) {
    if (checks.places.broken(path + "/protocol") || checks.places.broken("defaults/protocol"))
        return;
    if (service.protocol != Protocol::http && service.protocol != Protocol::tcp) return;
    for (std::size_t i = 0; i < service.rules.size(); ++i)
        validate_match(service.rules[i].match, service, fmt::format("{}/rules/{}/match", path, i),
                       checks);
}

// What a datagram cannot carry, and what only datagrams have.
void validate_udp(const Service& service, const std::string& path, const Checks& checks) {
    if (checks.places.broken(path + "/protocol") || checks.places.broken("defaults/protocol"))
        return;
    if (service.protocol != Protocol::udp) {
        if (!service.expect_replies) return;
        checks.error(path + "/expect_replies",
                     fmt::format("expect_replies works only with protocol udp, but service '{}' "
                                 "has {}",
                                 service.name, word(service.protocol)));
        return;
    }
    for (std::size_t i = 0; i < service.listen.size(); ++i) {
        const auto at = fmt::format("{}/listen/{}", path, i);
        if (!service.listen[i].proxy_protocol || checks.places.broken(at)) continue;
        checks.error(at, "'proxy_protocol' needs connections: no datagram carries a PROXY header",
                     "take it off this listener");
    }
    if (service.send_proxy != ProxyProtocol::off) {
        checks.error(path + "/send_proxy",
                     fmt::format("send_proxy needs connections, but service '{}' has protocol udp: "
                                 "its servers see the address of this node",
                                 service.name),
                     "write send_proxy: off");
    }
    const CheckKind check = service.health.check;
    const bool over_tcp =
        check != CheckKind::none && check != CheckKind::dns && check != CheckKind::script;
    if (!over_tcp || service.health.port || checks.places.broken(path + "/health") ||
        checks.places.broken("defaults/health"))
        return;
    checks.error(path + "/health/check",
                 fmt::format("a check by {} goes over TCP, but the servers of service '{}' listen "
                             "on UDP",
                             word(check), service.name),
                 "write health: none in the service (real traffic then decides), check: dns or "
                 "check: script; or a port on which they take TCP: health: {check: tcp, port: "
                 "8080}");
}

void validate_persistence(const Service& service, const std::string& path, const Checks& checks) {
    if (service.persistence.method == PersistenceMethod::rdp && service.protocol != Protocol::rdp &&
        !checks.places.broken(path + "/protocol")) {
        checks.error(path + "/persistence/method",
                     fmt::format("persistence by rdp works only with protocol rdp, but service "
                                 "'{}' has {}",
                                 service.name, word(service.protocol)));
    }
    if (service.persistence.method != PersistenceMethod::header) return;
    if (written(path, "persistence/name", checks)) return;
    checks.error(path + "/persistence/method", "persistence by header needs the header's name",
                 "write persistence: {method: header, name: X-User}");
}

void validate_script(const Service& service, const std::string& at, const Checks& checks) {
    std::error_code ec;
    const std::string& script = service.health.script;
    if (script.empty()) {
        checks.error(at, "a check by script needs 'script', the program to run");
    } else if (!std::filesystem::exists(script, ec)) {
        checks.error(at, fmt::format("the script '{}' does not exist", script));
    } else if (!std::filesystem::is_regular_file(script, ec)) {
        checks.error(at, fmt::format("the script '{}' is not a file", script));
    } else if (::access(script.c_str(), X_OK) != 0) {
        checks.error(at, fmt::format("the script '{}' is not executable", script),
                     "chmod +x makes it so");
    }
}

void validate_health(const Service& service, const std::string& path, const Checks& checks) {
    if (checks.places.broken(path + "/health") || checks.places.broken("defaults/health")) return;
    const HealthCheck& health = service.health;
    if (health.check == CheckKind::script)
        validate_script(service, path + "/health/script", checks);
    if (health.check == CheckKind::dns && health.query.empty()) {
        checks.error(path + "/health/check", "a check by dns needs 'query', the name to ask for",
                     "write health: {check: dns, query: www.example.com}");
    }
    if (health.check == CheckKind::http && health.expect.empty())
        checks.error(path + "/health/expect", "'expect' names no status code");
}

void validate_port(const Server& server, const Service& service, const std::string& at,
                   const Checks& checks) {
    if (service.mode != Mode::snat || server.port != 0) return;
    const bool v6 = server.address && !server.address->is_v4();
    checks.error(at, fmt::format("{} has no port", quote(server.host)),
                 v6 ? fmt::format("such as \"[{}]:80\"", server.host)
                    : fmt::format("such as {}:80", server.host));
}

// A PROXY header names the client of a connection, and these carry many clients' requests.
void validate_http2(const Service& service, const std::string& at, const Checks& checks) {
    if (service.send_proxy == ProxyProtocol::off) return;
    checks.error(at + "/http2", "'http2' and 'send_proxy' exclude each other",
                 "take one of them off: clients are named by X-Forwarded-For, too");
}

void validate_servers(const Service& service, const std::string& path, const Checks& checks) {
    std::map<std::string_view, std::size_t> first_with;
    for (std::size_t i = 0; i < service.servers.size(); ++i) {
        const Server& server = service.servers[i];
        const auto at = fmt::format("{}/servers/{}", path, i);
        if (checks.places.broken(at)) continue;
        validate_port(server, service, at + "/address", checks);
        if (server.http2) validate_http2(service, at, checks);
        const auto [first, is_new] = first_with.emplace(server.name, i);
        if (is_new) continue;
        const auto earlier = fmt::format("{}/servers/{}", path, first->second);
        checks.error(at,
                     fmt::format("two servers of service '{}' are named {}", service.name,
                                 quote(server.name)),
                     fmt::format("the first stands in line {}; give each its own 'name'",
                                 checks.places.at(earlier).line));
    }
}

void validate_fallback(const Service& service, const std::string& path, const Checks& checks) {
    const auto at = path + "/fallback";
    if (!service.fallback || checks.places.broken(at)) return;
    const Fallback& fallback = *service.fallback;
    if (!fallback.server) {
        if (service.protocol == Protocol::http) return;
        checks.error(at,
                     fmt::format("a fallback that answers works only with protocol http, but "
                                 "service '{}' has {}",
                                 service.name, word(service.protocol)),
                     "write the address of a server: fallback: 10.0.0.99:80");
        return;
    }
    validate_port(*fallback.server, service, at + "/server", checks);
    if (checks.places.written(at + "/status") || !fallback.body.empty())
        checks.error(at, "a fallback is either a 'server' or an answer, not both");
}

}  // namespace

void validate_service(const Service& service, const std::string& path, const Checks& checks) {
    if (service.preset == Preset::rdp && service.protocol != Protocol::rdp &&
        !checks.places.broken(path + "/protocol")) {
        checks.error(path + "/preset",
                     fmt::format("preset rdp is for protocol rdp, but service '{}' has {}",
                                 service.name, word(service.protocol)),
                     "leave 'protocol' out");
    }
    if (const auto problem = check_name(service.name))
        checks.error(path, fmt::format("a service {}", problem->message), problem->hint);
    validate_protocol(service, path, checks);
    validate_matches(service, path, checks);
    validate_udp(service, path, checks);
    validate_layer4(service, path, checks);
    validate_persistence(service, path, checks);
    validate_health(service, path, checks);
    validate_servers(service, path, checks);
    validate_fallback(service, path, checks);
    if (service.servers.empty() && !service.fallback && !checks.places.broken(path + "/servers") &&
        !checks.places.broken(path + "/fallback")) {
        checks.error(path, fmt::format("service '{}' has no servers and no fallback", service.name),
                     "write servers: [10.0.0.1:80]");
    }
}

}  // namespace poise::config
