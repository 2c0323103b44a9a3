#include "tls/contexts.hpp"

#include <algorithm>
#include <utility>

namespace poise::tls {

namespace {

// What a listener offers. Plain TCP has no say in what is spoken inside.
std::vector<std::string> protocols_of(const config::Service& service,
                                      const config::Listen& listen) {
    if (service.protocol != config::Protocol::http) return {};
    std::vector<std::string> names;
    for (const config::Alpn each : listen.alpn)
        names.emplace_back(each == config::Alpn::h2 ? "h2" : "http/1.1");
    return names;
}

std::expected<Settings::Service, Problem> load_service(const config::Service& service) {
    Settings::Service made;
    for (const config::Listen& listen : service.listen) {
        made.listeners.emplace_back();
        if (!listen.tls.enabled) continue;
        auto settings = load_server_settings(listen.tls, protocols_of(service, listen));
        if (!settings) return std::unexpected(settings.error());
        made.listeners.back() = std::move(*settings);
    }
    if (!std::ranges::any_of(service.servers, &config::Server::tls)) return made;
    const bool http = service.protocol == config::Protocol::http;
    auto settings =
        load_client_settings(service.server_tls, http ? std::vector<std::string>{"http/1.1"}
                                                      : std::vector<std::string>{});
    if (!settings) return std::unexpected(settings.error());
    made.servers = std::move(*settings);
    return made;
}

}  // namespace

bool Settings::any() const {
    return std::ranges::any_of(services, [](const Service& service) {
        return service.servers || std::ranges::any_of(service.listeners, [](const auto& each) {
                   return each.has_value();
               });
    });
}

std::expected<Settings, Problem> load_settings(const config::Config& config) {
    Settings settings;
    for (const config::Certificate& each : config.certificates) {
        auto certificate = Certificate::load(each.cert, each.key);
        if (!certificate) return std::unexpected(certificate.error());
        settings.certificates.push_back(std::move(*certificate));
    }
    for (const config::Service& each : config.services) {
        auto service = load_service(each);
        if (!service) return std::unexpected(service.error());
        settings.services.push_back(std::move(*service));
    }
    return settings;
}

Contexts::Contexts(std::shared_ptr<Library> library, const Settings& settings,
                   const std::shared_ptr<const TicketKeys>& tickets)
    : library_(std::move(library)) {
    identities_.reserve(settings.certificates.size());
    for (const auto& certificate : settings.certificates)
        identities_.emplace_back(*library_, certificate);
    const auto context_for = [&](const ServerSettings& wanted) {
        for (const auto& known : server_contexts_)
            if (known->settings() == wanted) return known.get();
        return server_contexts_
            .emplace_back(std::make_unique<ServerContext>(*library_, identities_, wanted, tickets))
            .get();
    };
    for (const Settings::Service& service : settings.services) {
        auto& listeners = listeners_.emplace_back();
        for (const auto& listener : service.listeners)
            listeners.push_back(listener ? context_for(*listener) : nullptr);
        servers_.push_back(service.servers
                               ? std::make_unique<ClientContext>(*library_, *service.servers)
                               : nullptr);
    }
}

const ServerContext* Contexts::listener(std::size_t service, std::size_t listen) const {
    return listeners_[service][listen];
}

ClientContext* Contexts::servers(std::size_t service) const {
    return servers_[service].get();
}

}  // namespace poise::tls
