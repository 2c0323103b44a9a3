#include "app/config_in_force.hpp"

#include "app/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace poise::app {

namespace {

std::vector<std::string> watched_names(const Snapshot& snapshot) {
    std::vector<std::string> names;
    if (!snapshot.generation) return names;
    for (const auto& service : snapshot.generation->services)
        names.push_back(service->configured.name);
    for (const FallbackPool& fallback : snapshot.fallbacks)
        names.push_back(fallback.service.name);
    return names;
}

// "a.crt and 3 more files"
std::string named(const std::vector<std::string>& files) {
    const std::size_t more = files.size() - 1;
    if (more == 0) return files.front() + " has";
    return fmt::format("{} and {} more file{} have", files.front(), more, more == 1 ? "" : "s");
}

}  // namespace

void ConfigInForce::publish(config::Config config, ListeningSockets sockets,
                            TlsInForce::Contexts contexts) {
    config_ = std::move(config);
    load_key();
    const bool first = snapshot_.generation == nullptr;
    if (!first) older_.push_back(snapshot_.generation);
    const persistence::CookieKey unused{};
    Snapshot before = std::move(snapshot_);
    snapshot_ = make_snapshot(config_, key_ ? key_->key : unused, workers_.size(),
                              first ? nullptr : &before, std::move(contexts));
    workers_.adopt(snapshot_.generation, std::move(sockets));
    tls_.published();
    watch(before);
}

bool ConfigInForce::renew_certificates(std::chrono::steady_clock::time_point now) {
    const std::vector<std::string> changed = tls_.changed_files(now);
    if (changed.empty()) return false;
    const std::string files = named(changed);
    auto contexts = tls_.prepare(config_, workers_.size());
    if (!contexts) {
        log_.error(
            fmt::format("{} changed and cannot be used, so what was read before stays in "
                        "force: {}",
                        files, contexts.error()));
        return false;
    }
    publish(config::Config(config_), ListeningSockets(workers_.size()), std::move(*contexts));
    log_.info(fmt::format("{} changed: generation {} is in force", files, generation().number));
    return true;
}

// One key for as long as this process lives: another one would forget every client.
void ConfigInForce::load_key() {
    if (!key_) {
        const bool wanted = std::ranges::any_of(config_.services, [](const auto& service) {
            return service.persistence.method != config::PersistenceMethod::none;
        });
        if (!wanted) return;
        key_ = load_state_key(state_folder());
    }
    if (key_->problem.empty() || !uses_cookies(config_)) return;
    log_.warn(fmt::format("persistence cookies will not outlive a restart: {}", key_->problem));
    key_->problem.clear();  // said once
}

std::vector<std::uint8_t> ConfigInForce::secrets() const {
    return to_bytes(Secrets{.cookie_key = key_ ? std::optional(key_->key) : std::nullopt,
                            .ticket_keys = tls_.ticket_keys()});
}

bool ConfigInForce::adopt_secrets(const std::vector<std::uint8_t>& bytes) {
    const auto secrets = secrets_from_bytes(bytes);
    if (!secrets) return false;
    tls_.adopt_ticket_keys(secrets->ticket_keys);
    if (!secrets->cookie_key || (key_ && key_->key == *secrets->cookie_key)) return false;
    auto contexts = tls_.prepare(config_, workers_.size());
    if (!contexts) {
        log_.error(
            fmt::format("the other node's keys cannot be put in force now: {}", contexts.error()));
        return false;
    }
    key_ = save_state_key(state_folder(), *secrets->cookie_key);
    publish(config::Config(config_), ListeningSockets(workers_.size()), std::move(*contexts));
    return true;
}

void ConfigInForce::watch(const Snapshot& before) {
    for (const auto& service : snapshot_.generation->services)
        monitor_.watch(service->configured, service->pool, tls_.checks(service->index));
    for (const FallbackPool& fallback : snapshot_.fallbacks)
        monitor_.watch(fallback.service, fallback.pool);
    const std::vector<std::string> now = watched_names(snapshot_);
    for (const std::string& name : watched_names(before))
        if (std::ranges::find(now, name) == now.end()) monitor_.forget(name);
}

std::size_t ConfigInForce::generations_ending() {
    std::erase_if(older_, [](const auto& generation) { return generation.expired(); });
    return older_.size();
}

std::vector<ListeningPlace> ConfigInForce::places_ending() {
    std::vector<ListeningPlace> places;
    for (const auto& known : older_)
        if (const auto generation = known.lock())
            for (const auto& service : generation->services)
                add_places(service->configured, places);
    std::erase_if(places,
                  [](const auto& place) { return place.transport != config::Transport::udp; });
    return places;
}

void ConfigInForce::forget_clients(std::string_view service, std::string_view server) {
    const proxy::Service* found = generation().find(service);
    if (found != nullptr && found->table)
        found->table->erase_server(persistence::server_id(service, server));
}

void ConfigInForce::sweep(std::chrono::steady_clock::time_point now) {
    for (const auto& service : generation().services)
        if (service->table) service->table->sweep(now);
    tls_.look(now);
}

}  // namespace poise::app
