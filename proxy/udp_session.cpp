#include "proxy/udp_session.hpp"

#include "proxy/udp_listener.hpp"

#include <utility>

namespace poise::proxy {

void UdpUpstream::on_ready() {
    session_.listener->add_due(session_);
}

UdpSession::UdpSession(const UdpKey& given, UdpListener& on,
                       std::shared_ptr<WorkerGeneration> generation, std::size_t service_index,
                       Engine::Clock::time_point now)
    : UdpTable::Entry(given),
      generation_(std::move(generation)),
      service_(service_index),
      listener(&on),
      began(now) {
    service().counters.connections.add();
    service().counters.sessions.add();
}

UdpSession::~UdpSession() {
    service().counters.sessions.subtract();
}

void UdpSession::follow(std::shared_ptr<WorkerGeneration> generation, std::size_t service_index) {
    service().counters.sessions.subtract();
    generation_ = std::move(generation);
    service_ = service_index;
    service().counters.sessions.add();
    refused_by = nullptr;
}

bool UdpSession::has_lost_server() const {
    const pool::RealServer* server = lease.server();
    return server == nullptr || !server->may_serve_known() ||
           server->address_generation() != server_address;
}

bool UdpSession::is_answered() const {
    const auto& replies = configured().expect_replies;
    return replies && *replies != 0 && datagrams_out >= *replies * datagrams_in;
}

void UdpSession::on_expiry() {
    expired = true;
    listener->add_due(*this);
}

}  // namespace poise::proxy
