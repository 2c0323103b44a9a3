// One client of a UDP service: who it is, the socket towards its server, and counts.
#pragma once

#include "base/deadline_wheel.hpp"
#include "base/engine.hpp"
#include "base/pollable.hpp"
#include "pool/real_server.hpp"
#include "proxy/datagram_batch.hpp"
#include "proxy/udp_table.hpp"
#include "proxy/worker.hpp"

#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace poise::proxy {

class UdpListener;
class UdpSession;
struct UdpDueTag;

/// The socket towards a server, connected: it hears that server alone.
class UdpUpstream final : public Pollable {
public:
    UdpUpstream(UdpSession& session, Engine& engine, int fd)
        : Pollable(engine, fd, Direction::none, Direction::read), session_(session) {}

    void all_read() { not_readable(); }

private:
    void on_ready() override;

    UdpSession& session_;
};

/// Has no coroutine: its listener's serves it when it stands in the list of those that are due.
/// Counted as a session of its service, and on its server, for as long as it lives.
class UdpSession final : public UdpTable::Entry,
                         public DeadlineWheel::Entry,
                         public boost::intrusive::list_base_hook<
                             boost::intrusive::tag<UdpDueTag>,
                             boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    /// `service` is the index in `generation`. The listener outlives this, or hands it on.
    UdpSession(const UdpKey& key, UdpListener& listener,
               std::shared_ptr<WorkerGeneration> generation, std::size_t service,
               Engine::Clock::time_point now);
    ~UdpSession();

    WorkerService& service() const { return *generation_->services[service_]; }
    const config::Service& configured() const { return service().service.configured; }
    pool::RealServer* server() const { return lease.server(); }
    /// Goes on with another generation, where `service` is the index of its service.
    void follow(std::shared_ptr<WorkerGeneration> generation, std::size_t service);

    /// Its server may serve it no more, or has moved to another address.
    bool has_lost_server() const;
    /// Each datagram of the client has had as many answers as `expect_replies` says. Never without
    /// that, nor when it says 0.
    bool is_answered() const;
    bool is_one_way() const { return configured().expect_replies == 0U; }

private:
    std::shared_ptr<WorkerGeneration> generation_;  // before what it keeps alive
    std::size_t service_;

public:
    UdpListener* listener;
    pool::ConnectionLease lease;             // empty: no server, until the client sends again
    std::optional<UdpUpstream> upstream;     // with `lease`
    pool::RealServer* refused_by = nullptr;  // for comparison alone: it may be gone
    std::uint32_t server_address = 0;        // RealServer::address_generation when connected
    Engine::Clock::time_point began;
    std::uint64_t bytes_in = 0, bytes_out = 0;
    std::uint64_t datagrams_in = 0, datagrams_out = 0;
    Burst burst;            // of the server's answers
    bool hurried = false;   // began while the table was filling up
    bool leaving = false;   // its server or service is gone: the deadline does not move any more
    bool awaiting = false;  // the last datagram was the client's
    bool heard = false;     // this server has answered
    bool expired = false;

private:
    void on_expiry() override;
};

}  // namespace poise::proxy
