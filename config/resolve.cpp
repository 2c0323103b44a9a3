#include "config/resolve.hpp"

#include "config/endpoint.hpp"
#include "config/file.hpp"
#include "config/preset.hpp"
#include "config/schema.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace poise::config {

namespace {

constexpr std::size_t body_bytes_max = 256 << 10;
// Services share a body by inheriting it, and each holds a copy.
constexpr std::size_t bodies_bytes_max = 64 << 20;

// What a protocol starts from in the place of HTTP's: 60 s of silence are normal on a TCP
// connection, and hours in a remote session.
void resolve_protocol(Service& service, const std::string& path, const Places& places) {
    const auto start_from = [&](std::string_view key, auto& value, auto protocol_default) {
        if (places.written(fmt::format("{}/{}", path, key))) return;
        if (places.written(fmt::format("defaults/{}", key))) return;
        value = protocol_default;
    };
    Timeouts& timeouts = service.timeouts;
    if (service.protocol == Protocol::tcp)
        start_from("timeouts/idle", timeouts.idle, tcp_idle_default);
    if (service.protocol == Protocol::udp)
        start_from("timeouts/idle", timeouts.idle, udp_idle_default);
    if (service.protocol != Protocol::rdp) return;
    start_from("timeouts/idle", timeouts.idle, rdp_idle_default);
    start_from("timeouts/handshake", timeouts.handshake, rdp_handshake_default);
    start_from("persistence/method", service.persistence.method, PersistenceMethod::rdp);
    if (service.persistence.method == PersistenceMethod::rdp)
        start_from("persistence/timeout", service.persistence.timeout, rdp_persistence_default);
}

// A TCP connect to the port of a UDP service says nothing: without an order, real traffic decides.
void resolve_check(Service& service, const std::string& path, const Places& places) {
    if (service.protocol != Protocol::udp) return;
    if (places.written(path + "/health/check") || places.written("defaults/health/check")) return;
    service.health.check = CheckKind::none;
}

// The packets of servers without a port keep the one that the client dialled: checks ask that one.
void resolve_layer4(Service& service) {
    if (service.mode == Mode::snat || service.health.port || service.listen.empty()) return;
    const bool has_port =
        std::ranges::all_of(service.servers, [](const Server& server) { return server.port != 0; });
    if (!has_port) service.health.port = service.listen.front().address.port;
}

void resolve_rules(Service& service, const std::string& path, const Places& places) {
    const Mapping mapping = timeouts_mapping();
    for (std::size_t i = 0; i < service.rules.size(); ++i) {
        std::optional<Timeouts>& own = service.rules[i].timeouts;
        if (!own) continue;
        for (const Key& key : mapping.keys) {
            if (places.written(fmt::format("{}/rules/{}/timeouts/{}", path, i, key.name))) continue;
            for (const std::string& text : key.print(&service.timeouts))
                key.parse(&*own, key.name, text);
        }
    }
}

bool is_used(const Service& service, const std::vector<Service>& all) {
    return std::ranges::any_of(all, [&](const Service& other) {
        return std::ranges::any_of(other.rules,
                                   [&](const Rule& rule) { return rule.use == service.name; });
    });
}

// A browser keeps one cookie of a name for a site: services that share a listener by rules must
// not take it from each other.
void resolve_cookie(Service& service, const std::vector<Service>& all, const std::string& path,
                    const Places& places) {
    if (service.persistence.method != PersistenceMethod::cookie) return;
    if (places.written(path + "/persistence/name") || places.written("defaults/persistence/name"))
        return;
    if (service.preset == Preset::lync) return;  // its clients look for that name
    if (is_used(service, all)) service.persistence.name += "-" + service.name;
}

void resolve_names(Service& service) {
    for (Server& server : service.servers) {
        if (server.name.empty()) server.name = format_endpoint(server.host, server.port);
    }
}

void resolve_body(Fallback& fallback, const std::string& path, std::size_t& total,
                  const Checks& checks) {
    total += fallback.body.size();
    if (fallback.body_file.empty()) return;
    const std::string written = fallback.body_file;
    const auto at = path + "/fallback/body_file";
    if (!fallback.body.empty()) {
        return checks.error(at, "a fallback has either 'body' or 'body_file', not both");
    }
    fallback.body_file = path_inside(checks.folder, written);
    auto body = read_file(fallback.body_file, body_bytes_max);
    if (!body) {
        checks.error(at, fmt::format("the file {} {}", quote(written), body.error()),
                     fmt::format("looked for as {}", fallback.body_file));
        return;
    }
    total += body->size();
    fallback.body = std::move(*body);
}

void make_absolute(std::string& path, const Checks& checks) {
    if (!path.empty()) path = path_inside(checks.folder, path);
}

void resolve_tls(Service& service, const std::string& path, const Checks& checks) {
    make_absolute(service.server_tls.ca, checks);
    make_absolute(service.server_tls.cert, checks);
    make_absolute(service.server_tls.key, checks);
    for (std::size_t i = 0; i < service.listen.size(); ++i) {
        ListenTls& tls = service.listen[i].tls;
        const auto enabled = fmt::format("{}/listen/{}/tls/enabled", path, i);
        // Who says how, says that.
        if (tls != ListenTls{} && !checks.places.written(enabled)) tls.enabled = true;
        make_absolute(tls.client_ca, checks);
        make_absolute(tls.client_crl, checks);
    }
}

}  // namespace

void resolve(Draft& draft, const Checks& checks) {
    std::size_t bodies_bytes = 0;
    for (Certificate& certificate : draft.certificates) {
        if (certificate.key.empty()) certificate.key = certificate.cert;
        make_absolute(certificate.cert, checks);
        make_absolute(certificate.key, checks);
    }
    for (std::size_t i = 0; i < draft.services.size() && !checks.report.full(); ++i) {
        Service& service = draft.services[i];
        const auto path = fmt::format("services/{}", i);
        if (service.preset == Preset::rdp && !checks.places.written(path + "/protocol"))
            service.protocol = Protocol::rdp;
        resolve_protocol(service, path, checks.places);
        resolve_preset(service, path, checks.places);
        resolve_check(service, path, checks.places);
        resolve_layer4(service);
        resolve_rules(service, path, checks.places);
        resolve_cookie(service, draft.services, path, checks.places);
        resolve_names(service);
        resolve_tls(service, path, checks);
        if (!service.health.script.empty())
            service.health.script = path_inside(checks.folder, service.health.script);
        if (service.fallback) resolve_body(*service.fallback, path, bodies_bytes, checks);
        if (bodies_bytes > bodies_bytes_max) {
            return checks.error(path, fmt::format("the bodies of all fallbacks are larger than {} "
                                                  "MiB together",
                                                  bodies_bytes_max >> 20));
        }
    }
    expand_presets(draft.services, checks);
}

}  // namespace poise::config
