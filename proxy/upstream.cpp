#include "proxy/upstream.hpp"

#include "base/hash.hpp"
#include "proxy/server_queue.hpp"

#include <algorithm>
#include <cassert>

namespace poise::proxy {

namespace {

std::uint64_t hash_of(const Address& address) {
    return hash64({reinterpret_cast<const char*>(address.ip.data()), address.ip.size()});
}

std::uint64_t destination_hash(const RequestHead* head, const Address& dialled) {
    if (head == nullptr) return mix64(hash_of(dialled) + dialled.port);
    return hash64(head->path, hash64(head->authority));
}

std::optional<std::size_t> index_of(const pool::Pool& pool, const pool::RealServer* server) {
    const auto& servers = pool.servers();
    const auto found = std::find_if(servers.begin(), servers.end(),
                                    [&](const auto& one) { return one.get() == server; });
    if (found == servers.end()) return std::nullopt;
    return static_cast<std::size_t>(found - servers.begin());
}

std::optional<std::size_t> index_of(const pool::Pool& pool, const Address& address) {
    const auto& servers = pool.servers();
    const auto found =
        std::ranges::find_if(servers, [&](const auto& one) { return one->address() == address; });
    if (found == servers.end()) return std::nullopt;
    return static_cast<std::size_t>(found - servers.begin());
}

// To Windows, users' names are the same in either case.
std::string lower_case(std::string_view text) {
    std::string lower{text};
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return lower;
}

}  // namespace

void Choice::clear() {
    assert(lease_.server() == nullptr);
    *this = Choice();
}

void Choice::begin(WorkerService& service, const Address& client, const Address& dialled,
                   const RequestHead* head, Engine::Clock::time_point now) {
    service_ = &service;
    set_hint(client, dialled, head);
    known_ = remembered(client, head, now);
    if (known_) service.counters.persistence_hits.add();
}

void Choice::begin(WorkerService& service, const Address& client, const Address& dialled,
                   const persistence::RdpRequest& request, Engine::Clock::time_point now) {
    if (service.service.configured.persistence.method != config::PersistenceMethod::rdp)
        return begin(service, client, dialled, nullptr, now);
    service_ = &service;
    set_hint(client, dialled, nullptr);
    if (request.server) {
        known_ = index_of(*service.service.pool, *request.server);
    } else if (!request.user.empty()) {
        key_ = service.service.keys->from_text(lower_case(request.user));
        known_ = in_table(now);
    }
    if (known_) service.counters.persistence_hits.add();
}

void Choice::set_hint(const Address& client, const Address& dialled, const RequestHead* head) {
    hint_.source_hash = hash_of(client);
    if (service_->service.configured.scheduler == config::Algorithm::dh)
        hint_.destination_hash = destination_hash(head, dialled);
}

std::optional<std::size_t> Choice::remembered(const Address& client, const RequestHead* head,
                                              Engine::Clock::time_point now) {
    const Service& service = service_->service;
    if (service.cookies && head != nullptr) {
        for (const Field& field : head->fields) {
            if (field.id != FieldId::cookie) continue;
            if (const auto known = service.cookies->find_in_header(field.value)) return known;
        }
        return std::nullopt;
    }
    if (!service.table) return std::nullopt;
    if (service.configured.persistence.method == config::PersistenceMethod::source) {
        key_ = service.keys->from_address(client);
    } else if (head != nullptr) {
        const Field* field = head->find(service.configured.persistence.name);
        if (field == nullptr || field->value.empty()) return std::nullopt;
        key_ = service.keys->from_text(field->value);
    }
    if (!key_) return std::nullopt;
    return in_table(now);
}

// The server that the table has for key_.
std::optional<std::size_t> Choice::in_table(Engine::Clock::time_point now) {
    const Service& service = service_->service;
    const auto id = service.table->find(*key_, now);
    if (!id) return std::nullopt;
    const auto& ids = service.server_ids;
    const auto found = std::find(ids.begin(), ids.end(), *id);
    if (found == ids.end()) return std::nullopt;
    return static_cast<std::size_t>(found - ids.begin());
}

pool::RealServer* Choice::wanted() const {
    if (!known_) return nullptr;
    pool::RealServer* server = service_->service.pool->servers()[*known_].get();
    const bool tried =
        std::find(hint_.tried.begin(), hint_.tried.end(), server) != hint_.tried.end();
    return server->may_serve_known() && !tried ? server : nullptr;
}

pool::Picked Choice::take(Engine::Clock::time_point now) {
    assert(lease_.server() == nullptr);
    hint_.now = now;
    // Another server knows nothing of the client: a full one is waited for.
    pool::Picked picked{wanted(), pool::PickFailure::none};
    if (picked.server == nullptr) picked = service_->picker.pick(hint_);
    if (picked.server == nullptr && picked.failure == pool::PickFailure::no_server &&
        service_->service.fallback_server && !fallback_) {
        fallback_ = true;
        picked.server = service_->service.fallback_server.get();
    }
    if (picked.server != nullptr && !lease(*picked.server, now))
        picked = {nullptr, pool::PickFailure::all_full};  // another worker was quicker
    return picked;
}

// False: the server has reached its limit meanwhile.
bool Choice::lease(pool::RealServer& server, Engine::Clock::time_point now) {
    lease_ = pool::ConnectionLease::below_limit(server);
    if (lease_.server() == nullptr) return false;
    const Service& service = service_->service;
    if (!service.cookies && !key_) return true;
    chosen_ = index_of(*service.pool, &server);
    if (key_ && chosen_ && chosen_ != known_)
        service.table->put(*key_, service.server_ids[*chosen_], now);
    return true;
}

bool Choice::has_other() const {
    const auto& servers = service_->service.pool->servers();
    return std::any_of(servers.begin(), servers.end(), [&](const auto& one) {
        return one.get() != lease_.server() && one->may_take_new();
    });
}

void Choice::failed(Worker& worker) {
    assert(lease_.server() != nullptr);
    avoid(*lease_.server());
    release(worker);
}

void Choice::avoid(pool::RealServer& server) {
    if (tried_count_ < tried_.size()) tried_[tried_count_++] = &server;
    hint_.tried = {tried_.data(), tried_count_};
}

void Choice::release(Worker& worker) {
    if (lease_.server() == nullptr) return;
    const auto* freed = lease_.server();
    const bool limited = freed->connections_max() != 0;
    lease_.release();
    if (limited) call_next(worker, service_->service.queue, freed);
}

std::string_view Choice::set_cookie(bool tls) const {
    const auto& cookies = service_->service.cookies;
    if (!cookies || !chosen_ || chosen_ == known_) return {};
    return cookies->set_cookie_header(*chosen_, tls);
}

}  // namespace poise::proxy
