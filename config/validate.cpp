#include "config/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace poise::config {

namespace {

constexpr std::size_t services_max = 10'000;

struct Bound {
    std::string service;
    std::string path;
    std::string text;
};

// What already listens on one port, by address.
using Port = std::map<Address, Bound>;

void clash(const Bound& later, const Bound& first, const Checks& checks) {
    const Position at = checks.places.at(first.path);
    const bool same = later.text == first.text;
    checks.error(later.path,
                 same ? fmt::format("{} is listened on twice", later.text)
                      : fmt::format("{} and {} overlap", later.text, first.text),
                 fmt::format("{} in line {} has it already{}",
                             later.service == first.service ? "this service"
                                                            : "service '" + first.service + "'",
                             at.line, same ? "" : ": [::] takes IPv4 as well"));
}

Address any_v4(std::uint16_t port) {
    Address address;
    address.ip[10] = address.ip[11] = 0xff;
    address.port = port;
    return address;
}

Address any_v6(std::uint16_t port) {
    Address address;
    address.port = port;
    return address;
}

// The kernel lets an exact address stand beside a wildcard and prefers it. Two wildcards of
// which one is dual stack would share IPv4 connections by chance.
const Bound* find_clash(const Port& port, const Address& address) {
    auto found = port.find(address);
    if (found == port.end() && address == any_v6(address.port))
        found = port.find(any_v4(address.port));
    else if (found == port.end() && address == any_v4(address.port))
        found = port.find(any_v6(address.port));
    return found == port.end() ? nullptr : &found->second;
}

bool shares_cookie(const Service& a, const Service& b) {
    return a.persistence.method == PersistenceMethod::cookie &&
           b.persistence.method == PersistenceMethod::cookie &&
           a.persistence.name == b.persistence.name;
}

void validate_rule(const Rule& rule, const Service& service, const Service* used,
                   const std::string& path, const Checks& checks) {
    if (used == nullptr) {
        checks.error(path, fmt::format("there is no service '{}'", rule.use));
    } else if (used == &service) {
        checks.error(path, "a rule cannot use the service it stands in",
                     "requests that match no rule go to this service's own servers");
    } else if (used->protocol != service.protocol) {
        checks.error(path,
                     fmt::format("service '{}' has protocol {}, this one {}", used->name,
                                 word(used->protocol), word(service.protocol)),
                     "a rule can only use a service of the same protocol");
    } else if (shares_cookie(service, *used)) {
        checks.error(path,
                     fmt::format("services '{}' and '{}' would both set the cookie {}, and each "
                                 "would lose what the other has set",
                                 service.name, used->name, used->persistence.name),
                     "give one of them another persistence name");
    }
}

}  // namespace

void validate_listeners(const std::vector<Service>& services, const Checks& checks) {
    std::map<std::pair<Transport, std::uint16_t>, Port> ports;
    for (std::size_t i = 0; i < services.size(); ++i) {
        const Service& service = services[i];
        for (std::size_t j = 0; j < service.listen.size(); ++j) {
            const Address& address = service.listen[j].address;
            Bound bound{service.name, fmt::format("services/{}/listen/{}", i, j),
                        to_string(address)};
            if (checks.places.broken(bound.path) || address.port == 0) continue;
            Port& port = ports[{transport_of(service.protocol), address.port}];
            if (const Bound* first = find_clash(port, address))
                clash(bound, *first, checks);
            else
                port.emplace(address, std::move(bound));
        }
    }
}

void validate_proxy_headers(const std::vector<Service>& services, const Checks& checks) {
    for (std::size_t i = 0; i < services.size(); ++i) {
        const Service& service = services[i];
        const auto path = fmt::format("services/{}", i);
        if (!service.trusted_proxies.empty() || checks.places.broken(path + "/trusted_proxies"))
            continue;
        for (std::size_t j = 0; j < service.listen.size(); ++j) {
            const auto listen = fmt::format("{}/listen/{}", path, j);
            if (!service.listen[j].proxy_protocol || checks.places.broken(listen)) continue;
            checks.error(listen, "'proxy_protocol' without 'trusted_proxies' serves nobody",
                         "name the proxies that may say who the client is: trusted_proxies: "
                         "[10.0.0.0/8]");
        }
    }
}

void validate_rules(const std::vector<Service>& services, const Checks& checks) {
    std::map<std::string_view, const Service*> by_name;
    std::map<std::string_view, bool> is_used;
    for (const Service& service : services) {
        by_name.emplace(service.name, &service);
        for (const Rule& rule : service.rules)
            is_used[rule.use] = true;
    }
    for (std::size_t i = 0; i < services.size(); ++i) {
        const Service& service = services[i];
        const auto path = fmt::format("services/{}", i);
        for (std::size_t j = 0; j < service.rules.size(); ++j) {
            const auto rule = fmt::format("{}/rules/{}", path, j);
            const auto use = rule + "/use";
            if (checks.places.broken(use)) continue;
            if (service.rules[j].use.empty()) {
                if (!service.rules[j].timeouts && !checks.places.broken(rule))
                    checks.error(rule, "this rule has neither 'use' nor 'timeouts'",
                                 "name the service whose servers take what matches: use: other");
                continue;
            }
            const auto used = by_name.find(service.rules[j].use);
            validate_rule(service.rules[j], service, used == by_name.end() ? nullptr : used->second,
                          use, checks);
        }
        if (!service.listen.empty() || checks.places.broken(path + "/listen")) continue;
        if (!is_used[service.name]) {
            checks.error(path, fmt::format("no client can reach service '{}'", service.name),
                         "give it 'listen', or use it in a rule of another service");
        } else if (!service.rules.empty()) {
            checks.error(path + "/rules",
                         fmt::format("the rules of service '{}' are never looked at", service.name),
                         "a service without 'listen' only lends its servers to other rules");
        }
    }
}

void validate(const std::vector<Service>& services, const Checks& checks) {
    if (services.empty() && !checks.places.broken("services"))
        checks.error("services", "there is no service");
    if (services.size() > services_max)
        return checks.error("services", fmt::format("more than {} services", services_max));
    for (std::size_t i = 0; i < services.size() && !checks.report.full(); ++i) {
        const auto path = fmt::format("services/{}", i);
        // One that a preset has made says what its owner says, who is checked.
        if (checks.places.written(path)) validate_service(services[i], path, checks);
    }
    validate_listeners(services, checks);
    validate_ranges(services, checks);
    validate_proxy_headers(services, checks);
    validate_rules(services, checks);
}

}  // namespace poise::config
