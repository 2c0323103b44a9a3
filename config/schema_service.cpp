// The tables of poise.yaml: its top, `defaults`, and a service.
#include "config/bind.hpp"
#include "config/draft.hpp"
#include "config/schema_parts.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace poise::config {

using namespace std::chrono_literals;
using bind::at;
using bind::boolean;
using bind::duration;
using bind::integer;
using bind::optional_integer;
using bind::optional_part;
using bind::part;
using bind::parts;
using bind::range_list;
using bind::word;

namespace {

using T = Service;

// What a service may have of its own and may inherit from `defaults`.
std::vector<Key> inherited_keys() {
    Key agent = optional_part("agent", &T::agent, agent_mapping(), "Ask the servers' agents.");
    agent.can_be_none = true;
    Key fallback = optional_part("fallback", &T::fallback, fallback_mapping(),
                                 "What answers when no server is up.");
    fallback.can_be_none = true;
    // A service's fallback replaces an inherited one: half of each would be neither.
    fallback.open = [](void* target, std::string_view) -> void* {
        return &at<Service>(target).fallback.emplace();
    };
    return {word("mode", &T::mode, mode_words,
                 "`snat`: a full proxy; `nat` and `dr`: layer 4 with two arms and with one."),
            word("protocol", &T::protocol, protocol_words, "What clients speak."),
            word("scheduler", &T::scheduler, algorithm_words,
                 "Which server takes a new client: round robin, least connection (`w`: "
                 "weighted), destination or source hashing, Maglev, power of two, least time."),
            duration("slow_start", &T::slow_start, {0ms, 24h},
                     "A server that comes up reaches its full weight over this time."),
            part("timeouts", &T::timeouts, timeouts_mapping(), "Limits on waits."),
            part("limits", &T::limits, limits_mapping(), "Limits on what clients send."),
            part("health", &T::health, health_mapping(), "How servers are checked."),
            std::move(agent),
            part("persistence", &T::persistence, persistence_mapping(),
                 "Whether clients stay on their server."),
            word("forwarded", &T::forwarded, forwarded_words,
                 "X-Forwarded-For, -Proto, -Host and Forwarded: append to what trusted proxies "
                 "sent, replace it, or add nothing."),
            range_list("trusted_proxies", &T::trusted_proxies,
                       "Whose X-Forwarded-For and PROXY header are believed."),
            word("send_proxy", &T::send_proxy, proxy_protocol_words,
                 "A PROXY header of this version goes to the servers first."),
            part("server_tls", &T::server_tls, server_tls_mapping(),
                 "TLS towards the servers that have `tls: true`."),
            part("hsts", &T::hsts, hsts_mapping(), "Strict-Transport-Security."),
            part("layer4", &T::layer4, layer4_mapping(), "Modes `nat` and `dr`."),
            integer("retries", &T::retries, {0, 10},
                    "Attempts on other servers after a failed first one: servers whose last "
                    "connect did not fail, as long as there are such. With `passive: false`, and "
                    "once `passive_fall` failures were counted, new requests leave a server out, "
                    "too, for a second after a failed connect or until it answers. Persistent "
                    "clients are tried on their own server first all the same."),
            std::move(fallback)};
}

Mapping defaults_mapping() {
    return {"defaults",
            "What every service starts from. Each may override it, time limits and other "
            "mappings key by key.",
            inherited_keys(), ""};
}

// What a preset stands for is written out in the effective output, so the word is not.
Key preset_key() {
    Key key = word("preset", &T::preset, preset_words,
                   "Settings for a known application, see [presets](#presets). What the service "
                   "itself says goes before them, what `defaults` say behind.");
    key.effective = false;
    return key;
}

Mapping service_mapping() {
    std::vector<Key> keys;
    keys.push_back(parts("listen", &T::listen, listen_mapping(),
                         "Where clients connect. Without it the service is reached only by a "
                         "rule's `use`."));
    std::ranges::move(inherited_keys(), std::back_inserter(keys));
    keys.push_back(optional_integer(
        "expect_replies", &T::expect_replies, {0, 1'000'000},
        "`udp`: a session ends when each datagram of its client has had so many answers, so that "
        "the next one may go to another server; `0`: servers do not answer, and what they send "
        "is dropped. Without it a session ends by `timeouts.idle` alone."));
    keys.push_back(preset_key());
    keys.push_back(boolean("redirect_http", &T::redirect_http,
                           "Listeners without TLS answer 308 to the same place under https, on "
                           "the port of the service's first listener with TLS."));
    keys.push_back(parts("rules", &T::rules, rule_mapping(),
                         "What goes to another service's servers, or has limits of its own."));
    keys.push_back(parts("servers", &T::servers, server_mapping(), "The pool."));
    return {"service", "A virtual service: where clients connect, and the pool that answers.",
            std::move(keys), ""};
}

}  // namespace

Mapping config_mapping() {
    Key defaults =
        part("defaults", &Draft::defaults, defaults_mapping(), "What every service starts from.");
    defaults.effective = false;
    Key services =
        parts("services", &Draft::services, service_mapping(), "The virtual services by name.");
    services.shape = Shape::named;
    services.required = true;
    services.open = [](void* target, std::string_view name) -> void* {
        Draft& draft = at<Draft>(target);
        Service& service = draft.services.emplace_back(draft.defaults);
        service.name = name;
        return &service;
    };
    return {"poise.yaml",
            "What is balanced.",
            {std::move(defaults),
             parts("floating_ips", &Draft::floating_ips, floating_ip_mapping(),
                   "Addresses held by exactly one node of the pair; all move together."),
             parts("certificates", &Draft::certificates, certificate_mapping(),
                   "Certificates for listeners with TLS."),
             std::move(services)},
            ""};
}

}  // namespace poise::config
