#include "tls/contexts.hpp"

#include "tls/ocsp.hpp"

#include <algorithm>
#include <iterator>
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
        settings.staples.emplace_back();
    }
    for (const config::Service& each : config.services) {
        auto service = load_service(each);
        if (!service) return std::unexpected(service.error());
        settings.services.push_back(std::move(*service));
    }
    return settings;
}

std::vector<std::string> files_of(const config::Config& config) {
    std::vector<std::string> files;
    const auto add = [&](const std::string& path) {
        if (!path.empty() && std::ranges::find(files, path) == files.end()) files.push_back(path);
    };
    for (const config::Certificate& each : config.certificates) {
        add(each.cert);
        add(each.key);
    }
    for (const config::Service& service : config.services) {
        for (const config::Listen& listen : service.listen) {
            if (!listen.tls.enabled) continue;
            add(listen.tls.client_ca);
            add(listen.tls.client_crl);
        }
        if (!std::ranges::any_of(service.servers, &config::Server::tls)) continue;
        add(service.server_tls.ca);
        add(service.server_tls.cert);
        add(service.server_tls.key);
    }
    return files;
}

std::vector<Problem> certificate_warnings(const config::Config& config, Certificate::Time now) {
    std::vector<Problem> all;
    for (const config::Certificate& each : config.certificates) {
        const auto certificate = Certificate::load(each.cert, each.key);
        if (!certificate) continue;
        std::ranges::move((*certificate)->warnings(now, each.ocsp_stapling),
                          std::back_inserter(all));
        if (!each.ocsp_stapling) continue;
        if (auto question = OcspQuestion::make(**certificate); !question)
            all.push_back(std::move(question.error()));
    }
    return all;
}

Contexts::Contexts(std::shared_ptr<Library> library, const Settings& settings,
                   const std::shared_ptr<const TicketKeys>& tickets)
    : library_(std::move(library)) {
    identities_.reserve(settings.certificates.size());
    for (std::size_t i = 0; i < settings.certificates.size(); ++i)
        identities_.emplace_back(*library_, settings.certificates[i], settings.staples[i]);
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
