#include "proxy/incidents.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace poise::proxy {

std::string_view word(Side side) {
    static constexpr std::array<std::string_view, 3> words{"client", "server", "us"};
    return words[static_cast<std::size_t>(side)];
}

std::string_view word(Phase phase) {
    static constexpr std::array<std::string_view, 12> words{
        "accept", "proxy_header", "tls_handshake", "first_packet",  "request_head",  "routing",
        "queue",  "connect",      "request_body",  "response_head", "response_body", "tunnel"};
    return words[static_cast<std::size_t>(phase)];
}

std::string_view word(Repeat repeat) {
    static constexpr std::array<std::string_view, 3> words{"nothing_sent", "idempotent", "risky"};
    return words[static_cast<std::size_t>(repeat)];
}

Side side_of(Reason reason) {
    static_assert(Reason::client_closed < Reason::no_service);
    static_assert(Reason::too_many_connections < Reason::connect_failed);
    if (reason > Reason::none && reason <= Reason::client_closed) return Side::client;
    if (reason >= Reason::connect_failed && reason < Reason::count_) return Side::server;
    return Side::us;
}

Incidents::Incidents(std::size_t capacity) : capacity_(capacity) {
    assert(capacity > 0);
}

void Incidents::add(Incident incident) {
    for (std::string* text : {&incident.detail, &incident.request_id}) {
        if (text->size() > detail_bytes_max) text->resize(detail_bytes_max);
    }
    const std::lock_guard lock(mutex_);
    if (ring_.size() < capacity_) {
        ring_.push_back(std::move(incident));
    } else {
        ring_[total_ % capacity_] = std::move(incident);
    }
    ++total_;
}

const Incident& Incidents::newest(std::size_t age) const {
    assert(age < ring_.size());
    return ring_[(total_ - 1 - age) % capacity_];
}

std::optional<Incident> Incidents::find(std::string_view request_id) const {
    if (request_id.empty()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    for (std::size_t age = 0; age < ring_.size(); ++age) {
        if (newest(age).request_id == request_id) return newest(age);
    }
    return std::nullopt;
}

std::vector<Incident> Incidents::last(std::size_t count) const {
    const std::lock_guard lock(mutex_);
    std::vector<Incident> incidents;
    incidents.reserve(std::min(count, ring_.size()));
    for (std::size_t age = 0; age < std::min(count, ring_.size()); ++age)
        incidents.push_back(newest(age));
    return incidents;
}

std::uint64_t Incidents::total() const {
    const std::lock_guard lock(mutex_);
    return total_;
}

}  // namespace poise::proxy
