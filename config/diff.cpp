#include "config/diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace poise::config {

namespace {

template <typename Named>
std::map<std::string_view, const Named*> by_name(const std::vector<Named>& all) {
    std::map<std::string_view, const Named*> found;
    for (const Named& each : all)
        found.emplace(each.name, &each);
    return found;
}

void compare_servers(const Service& before, const Service& after, ServiceChange& change) {
    const auto old_servers = by_name(before.servers);
    const auto new_servers = by_name(after.servers);
    for (const Server& server : after.servers) {
        const auto old = old_servers.find(server.name);
        if (old == old_servers.end())
            change.servers_added.push_back(server.name);
        else if (*old->second != server)
            change.servers_changed.push_back(server.name);
    }
    for (const Server& server : before.servers) {
        if (!new_servers.contains(server.name)) change.servers_removed.push_back(server.name);
    }
}

std::vector<Listen> missing_in(const std::vector<Listen>& other, const std::vector<Listen>& all) {
    std::vector<Listen> missing;
    for (const Listen& listen : all) {
        if (std::ranges::find(other, listen) == other.end()) missing.push_back(listen);
    }
    return missing;
}

// Which settings differ, by the names of the file. Every field of Service but its name, its
// listeners and its servers stands here; the unit test changes each and expects its name.
std::vector<std::string> changed_settings(const Service& a, const Service& b) {
    std::vector<std::string> changed;
    const auto note = [&](bool same, std::string_view key) {
        if (!same) changed.emplace_back(key);
    };
    note(a.mode == b.mode, "mode");
    note(a.protocol == b.protocol, "protocol");
    note(a.preset == b.preset, "preset");
    note(a.scheduler == b.scheduler, "scheduler");
    note(a.slow_start == b.slow_start, "slow_start");
    note(a.timeouts == b.timeouts, "timeouts");
    note(a.limits == b.limits, "limits");
    note(a.health == b.health, "health");
    note(a.agent == b.agent, "agent");
    note(a.persistence == b.persistence, "persistence");
    note(a.forwarded == b.forwarded, "forwarded");
    note(a.trusted_proxies == b.trusted_proxies, "trusted_proxies");
    note(a.send_proxy == b.send_proxy, "send_proxy");
    note(a.retries == b.retries, "retries");
    note(a.expect_replies == b.expect_replies, "expect_replies");
    note(a.rules == b.rules, "rules");
    note(a.fallback == b.fallback, "fallback");
    note(a.server_tls == b.server_tls, "server_tls");
    note(a.hsts == b.hsts, "hsts");
    note(a.redirect_http == b.redirect_http, "redirect_http");
    note(a.layer4 == b.layer4, "layer4");
    return changed;
}

ServiceChange compare_service(const Service& before, const Service& after) {
    ServiceChange change;
    change.name = after.name;
    change.listen_added = missing_in(before.listen, after.listen);
    change.listen_removed = missing_in(after.listen, before.listen);
    compare_servers(before, after, change);
    change.settings = changed_settings(before, after);
    return change;
}

std::string listen_text(const Listen& listen) {
    return to_string(listen.address) + (listen.tls.enabled ? " (TLS)" : "") +
           (listen.proxy_protocol ? " (PROXY protocol)" : "");
}

void describe(const ServiceChange& change, std::string& text) {
    const auto line = [&](std::string_view what, std::string_view which, std::string_view verb) {
        text += fmt::format("service {}: {} {} {}\n", change.name, what, which, verb);
    };
    for (const Listen& listen : change.listen_added)
        line("listener", listen_text(listen), "added");
    for (const Listen& listen : change.listen_removed)
        line("listener", listen_text(listen), "removed");
    for (const std::string& server : change.servers_added)
        line("server", server, "added");
    for (const std::string& server : change.servers_removed)
        line("server", server, "removed");
    for (const std::string& server : change.servers_changed)
        line("server", server, "changed");
    if (!change.settings.empty())
        text +=
            fmt::format("service {}: changed {}\n", change.name, fmt::join(change.settings, ", "));
}

}  // namespace

bool ServiceChange::empty() const {
    return listen_added.empty() && listen_removed.empty() && servers_added.empty() &&
           servers_removed.empty() && servers_changed.empty() && settings.empty();
}

bool Diff::empty() const {
    return services_added.empty() && services_removed.empty() && services_changed.empty();
}

Diff compare(const Config& before, const Config& after) {
    Diff diff;
    const auto old_services = by_name(before.services);
    const auto new_services = by_name(after.services);
    for (const Service& service : after.services) {
        const auto old = old_services.find(service.name);
        if (old == old_services.end()) {
            diff.services_added.push_back(service);
            continue;
        }
        ServiceChange change = compare_service(*old->second, service);
        if (!change.empty()) diff.services_changed.push_back(std::move(change));
    }
    for (const Service& service : before.services) {
        if (!new_services.contains(service.name)) diff.services_removed.push_back(service.name);
    }
    return diff;
}

std::string to_string(const Diff& diff) {
    if (diff.empty()) return "nothing changed\n";
    std::string text;
    for (const Service& service : diff.services_added)
        text += fmt::format("service {} added\n", service.name);
    for (const std::string& name : diff.services_removed)
        text += fmt::format("service {} removed\n", name);
    for (const ServiceChange& change : diff.services_changed)
        describe(change, text);
    return text;
}

}  // namespace poise::config
