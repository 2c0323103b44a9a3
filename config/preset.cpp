#include "config/preset.hpp"

#include "config/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace poise::config {

namespace {

using namespace std::chrono_literals;

constexpr milliseconds unlimited = 365 * 24h;  // what the word stands for in the file
constexpr milliseconds mail_idle = 30min;      // SMTP, IMAP, POP; SIP
constexpr milliseconds channel_affinity = 10h;
constexpr milliseconds session_idle = 12h;        // of a remote desktop
constexpr std::uint64_t upload_rate_min = 1'000;  // bytes/s
constexpr std::uint16_t sip_port = 5061;

// A virtual directory of Exchange, which fails and is checked by itself.
struct Directory {
    std::string_view name;
    std::string_view path;
    std::optional<milliseconds> response;  // none: the service's
    std::optional<milliseconds> idle;
    bool two_channels;  // of one client, which must meet on one server
    std::string_view why;
};

constexpr std::array<Directory, 8> directories{{
    {"owa", "/owa", std::nullopt, std::nullopt, false, "Outlook on the web"},
    {"ecp", "/ecp", std::nullopt, std::nullopt, false, "the administration page"},
    {"mapi", "/mapi", unlimited, 30min, false, "says `PENDING` every 15 s while it works"},
    {"rpc", "/rpc", unlimited, 10h, true,
     "Outlook Anywhere: two channels, each up to 2 GiB that trickle for hours"},
    {"activesync", "/Microsoft-Server-ActiveSync", 65min, 65min, false,
     "phones poll for up to an hour"},
    {"ews", "/ews", 35min, 35min, false, "notifications are streamed for up to 30 minutes"},
    {"oab", "/oab", 60s, 5min, false, "address books"},
    {"autodiscover", "/autodiscover", 60s, 5min, false, "clients' settings"},
}};

// Sets what the service itself has not said.
struct Unsaid {
    const std::string& path;
    const Places& places;

    bool operator()(std::string_view key) const {
        return !places.written(fmt::format("{}/{}", path, key));
    }
    template <typename Value>
    void set(std::string_view key, Value& value, Value preset) const {
        if ((*this)(key)) value = preset;
    }
};

void set_waits(Service& service, const Unsaid& unsaid, milliseconds response, milliseconds idle) {
    unsaid.set("timeouts/response", service.timeouts.response, response);
    unsaid.set("timeouts/idle", service.timeouts.idle, idle);
}

void resolve_lync(Service& service, const Unsaid& unsaid) {
    set_waits(service, unsaid, 20min, mail_idle);
    if (service.protocol != Protocol::http) return;
    unsaid.set("timeouts/tunnel", service.timeouts.tunnel, mail_idle);
    if (unsaid("health/check") && unsaid("health/port")) {
        service.health.check = CheckKind::tcp;
        service.health.port = sip_port;
    }
    if (service.persistence.method != PersistenceMethod::cookie) return;
    unsaid.set("persistence/name", service.persistence.name, std::string("MS-WSMAN"));
    unsaid.set("persistence/http_only", service.persistence.http_only, false);
}

void resolve_gateway(Service& service, const Unsaid& unsaid) {
    set_waits(service, unsaid, unlimited, session_idle);
    unsaid.set("timeouts/tunnel", service.timeouts.tunnel, session_idle);
    unsaid.set("persistence/method", service.persistence.method, PersistenceMethod::source);
    unsaid.set("persistence/timeout", service.persistence.timeout, session_idle);
}

std::string made_name(const Service& owner, const Directory& directory) {
    return fmt::format("{}-{}", owner.name, directory.name);
}

Service make_directory(const Service& owner, const Directory& directory, const Unsaid& unsaid) {
    Service made = owner;
    made.name = made_name(owner, directory);
    made.preset = Preset::none;
    made.listen.clear();
    made.rules.clear();
    made.timeouts.response = directory.response.value_or(owner.timeouts.response);
    made.timeouts.idle = directory.idle.value_or(owner.timeouts.idle);
    if (unsaid("health/check") && unsaid("health/path")) {
        made.health.check = CheckKind::http;
        made.health.path = fmt::format("{}/healthcheck.htm", directory.path);
        unsaid.set("health/expect", made.health.expect, {200});
    }
    if (directory.two_channels && unsaid("persistence/method")) {
        made.persistence.method = PersistenceMethod::source;
        unsaid.set("persistence/timeout", made.persistence.timeout, channel_affinity);
    }
    // A browser keeps one cookie of a name for all directories.
    if (made.persistence.method == PersistenceMethod::cookie)
        made.persistence.name += fmt::format("-{}", directory.name);
    return made;
}

Rule make_rule(const Service& owner, const Directory& directory) {
    Rule rule;
    rule.match.path_prefix = {std::string(directory.path)};
    rule.match.ignore_case = true;
    rule.use = made_name(owner, directory);
    return rule;
}

// A service that is used by another's rules has no rules of its own that are looked at.
bool has_directories(const Service& service) {
    return service.preset == Preset::exchange && service.protocol == Protocol::http &&
           !service.listen.empty();
}

bool is_taken(const std::vector<Service>& services, const std::string& name) {
    return std::ranges::find(services, name, &Service::name) != services.end();
}

std::string limit_text(milliseconds limit) {
    return limit == unlimited ? "none" : format_duration(limit);
}

}  // namespace

void resolve_preset(Service& service, const std::string& path, const Places& places) {
    const Unsaid unsaid{path, places};
    switch (service.preset) {
        case Preset::exchange:
            set_waits(service, unsaid, 120s,
                      service.protocol == Protocol::http ? milliseconds(5min) : mail_idle);
            break;
        case Preset::sharepoint:
            set_waits(service, unsaid, 5min, 5min);
            unsaid.set("timeouts/min_rate", service.timeouts.min_rate, upload_rate_min);
            break;
        case Preset::lync:
            resolve_lync(service, unsaid);
            break;
        case Preset::rdgateway:
            resolve_gateway(service, unsaid);
            break;
        case Preset::none:
        case Preset::rdp:  // its protocol has them all
            break;
    }
}

void expand_presets(std::vector<Service>& services, const Checks& checks) {
    const std::size_t written = services.size();
    for (std::size_t i = 0; i < written && !checks.report.full(); ++i) {
        if (!has_directories(services[i])) continue;
        const auto path = fmt::format("services/{}", i);
        for (const Directory& directory : directories) {
            const std::string name = made_name(services[i], directory);
            if (is_taken(services, name)) {
                checks.error(
                    path + "/preset",
                    fmt::format("preset exchange makes a service '{}', but there is one", name),
                    "give one of them another name");
                continue;
            }
            services.push_back(make_directory(services[i], directory, Unsaid{path, checks.places}));
            services[i].rules.push_back(make_rule(services[i], directory));
        }
    }
}

std::string presets_markdown() {
    std::string text = R"(
## presets

`preset` gives a service what a known application needs. A key that the service itself writes
goes before its preset, the preset before `defaults`. `poise check --effective` prints the
result, as a configuration without presets.

**exchange**, over HTTP: `timeouts` {response: 2m, idle: 5m}, and for each virtual directory a
service of its own, named after the service and the directory (`mail-owa`). It has the same
servers, so a directory that fails on a server takes that server out of this directory alone, and
its own limits. The check is `GET` of `healthcheck.htm` in the directory, which must be answered
200; `health: {check: tcp}` or another `path` replaces it for all. `max_connections` of a server
counts for each directory. Rules of the service come before those of the preset, and may use its
services. Upper and lower case of the paths are the same. No client is tied to a server, as
Exchange wants it since 2013, but for the two channels of `/rpc`, by source address for 10 hours.
With `protocol: tcp` (SMTP, IMAP, POP) the preset is `timeouts` {idle: 30m}.

| directory | path | response | idle | why |
|---|---|---|---|---|
)";
    for (const Directory& one : directories) {
        text += fmt::format("| `{}` | `{}` | {} | {} | {} |\n", one.name, one.path,
                            one.response ? limit_text(*one.response) : "2m",
                            one.idle ? limit_text(*one.idle) : "5m", one.why);
    }
    text += R"(
**sharepoint**: `timeouts` {response: 5m, idle: 5m, min_rate: 1000B}. Uploads of any size are
streamed (`limits.body_bytes` is `unlimited`), WebDAV methods and the Host header pass as they
are. Its NTLM connections are kept apart without a setting.

**lync**, the external web services over HTTP (443 to the servers' 4443, 80 to 8080): `timeouts`
{response: 20m, idle: 30m, tunnel: 30m} and `health` {check: tcp, port: 5061}. Requests are
balanced one by one. With `persistence: cookie` the cookie is named MS-WSMAN and is not HttpOnly.
With `protocol: tcp` (SIP 5061, Edge) it is `timeouts` {idle: 30m}. An A/V Edge must see its
clients' addresses: do not put it behind `mode: snat`.

**rdp**: `protocol: rdp`, with that protocol's own defaults: first packet within 5s, `idle` 12h,
`persistence` by rdp for a day.

**rdgateway**: `timeouts` {response: unlimited, idle: 12h, tunnel: 12h} and `persistence`
{method: source, timeout: 12h}: the two channels of a client, RDG_IN_DATA and RDG_OUT_DATA or
those of RPC, must meet on one gateway. With `protocol: tcp` the same for TLS that is passed on.
)";
    return text;
}

}  // namespace poise::config
