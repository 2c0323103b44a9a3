// Checks what the keys of TLS say against each other and against the rest of a service.
#include "config/validate.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace poise::config {

namespace {

constexpr std::size_t certificates_max = 20'000;

constexpr std::string_view rdp_has_tls =
    "with protocol rdp client and server begin TLS themselves, behind their first packets";

bool has_listener(const Service& service, bool with_tls) {
    return std::ranges::any_of(service.listen,
                               [&](const Listen& each) { return each.tls.enabled == with_tls; });
}

void validate_listen_tls(const Listen& listen, const Service& service, bool certificates,
                         const std::string& at, const Checks& checks) {
    const ListenTls& tls = listen.tls;
    if (!tls.enabled) {
        if (tls != ListenTls{})
            checks.error(at, "settings of TLS without TLS",
                         "write enabled: true, or leave them out");
        return;
    }
    if (service.mode != Mode::snat || service.protocol == Protocol::udp)
        checks.error(at, fmt::format("TLS works only with mode snat over TCP, but service '{}' has "
                                     "mode {} and protocol {}",
                                     service.name, word(service.mode), word(service.protocol)));
    if (service.protocol == Protocol::rdp)
        checks.error(at, std::string(rdp_has_tls), "leave 'tls' out");
    if (std::ranges::any_of(service.rules, [](const Rule& r) { return !r.match.sni.empty(); }))
        checks.error(at,
                     fmt::format("service '{}' has rules by 'sni', which is read from TLS that is "
                                 "passed on, and this listener ends it",
                                 service.name),
                     "leave 'tls' out, or the rules");
    if (!certificates)
        checks.error(at, "TLS needs a certificate, and 'certificates' has none",
                     "write at the top: certificates: [{cert: site.crt, key: site.key}]");
    const bool asks = tls.client_certificate != ClientCertificate::off;
    if (asks && tls.client_ca.empty())
        checks.error(at,
                     "'client_certificate' needs 'client_ca', the authorities that are accepted",
                     "write client_ca: clients.crt");
    if (!asks && (!tls.client_ca.empty() || !tls.client_crl.empty()))
        checks.error(at, "'client_ca' and 'client_crl' do nothing without 'client_certificate'",
                     "write client_certificate: required, or optional");
}

void validate_redirect(const Service& service, const std::string& path, const Checks& checks) {
    if (!service.redirect_http) return;
    const auto at = path + "/redirect_http";
    if (service.protocol != Protocol::http)
        checks.error(at,
                     fmt::format("redirect_http works only with protocol http, but service '{}' "
                                 "has {}",
                                 service.name, word(service.protocol)));
    else if (!has_listener(service, true))
        checks.error(
            at, fmt::format("service '{}' has no listener with TLS to redirect to", service.name),
            "write listen: [\":80\", {address: \":443\", tls: true}]");
}

void validate_servers(const Service& service, const std::string& path, const Checks& checks) {
    for (std::size_t i = 0; i < service.servers.size(); ++i) {
        if (!service.servers[i].tls) continue;
        if (service.protocol == Protocol::rdp)
            checks.error(fmt::format("{}/servers/{}/tls", path, i), std::string(rdp_has_tls),
                         "leave 'tls' out");
        if (service.mode == Mode::snat && service.protocol != Protocol::udp) continue;
        checks.error(fmt::format("{}/servers/{}/tls", path, i),
                     "TLS to servers works only with mode snat over TCP");
    }
    if (!service.server_tls.key.empty() && service.server_tls.cert.empty())
        checks.error(path + "/server_tls/key", "'key' needs 'cert', the certificate it belongs to");
}

}  // namespace

void validate_tls(const std::vector<Service>& services,
                  const std::vector<Certificate>& certificates, const Checks& checks) {
    if (certificates.size() > certificates_max)
        checks.error("certificates", fmt::format("more than {} certificates", certificates_max));
    for (std::size_t i = 0; i < services.size() && !checks.report.full(); ++i) {
        const Service& service = services[i];
        const auto path = fmt::format("services/{}", i);
        for (std::size_t j = 0; j < service.listen.size(); ++j) {
            const auto at = fmt::format("{}/listen/{}/tls", path, j);
            if (checks.places.broken(at)) continue;
            const bool any = !certificates.empty() || checks.places.broken("certificates");
            validate_listen_tls(service.listen[j], service, any, at, checks);
        }
        if (!checks.places.broken(path + "/listen")) validate_redirect(service, path, checks);
        validate_servers(service, path, checks);
    }
}

}  // namespace poise::config
