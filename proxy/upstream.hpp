// Chooses the real server of a request or connection, and remembers the choice.
#pragma once

#include "persistence/rdp_token.hpp"
#include "pool/pool.hpp"
#include "proxy/client.hpp"
#include "proxy/head.hpp"
#include "proxy/worker.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>

namespace poise::proxy {

/// The choice for one exchange, over all its attempts.
class Choice {
public:
    static constexpr std::size_t attempts_max = 8;

    /// `head` is null for TCP. Looks for a server that persistence names. `service` must outlive
    /// this.
    void begin(WorkerService& service, const Address& client, const Address& dialled,
               const RequestHead* head, Engine::Clock::time_point now);

    /// For an RDP connection: goes by what the client's first packet says when the service's
    /// persistence is by rdp.
    void begin(WorkerService& service, const Address& client, const Address& dialled,
               const persistence::RdpRequest& request, Engine::Clock::time_point now);

    /// Takes a server for the next attempt and counts the request on it: the persistent one, one
    /// of the scheduler's, or the fallback server. Null server: see `failure`.
    pool::Picked take(Engine::Clock::time_point now);

    /// Counts the request on `server`, whose connection belongs to this client.
    void take_pinned(pool::RealServer& server) { lease_ = pool::ConnectionLease(server); }

    /// The server failed: it is not taken again for this exchange, and who waits for it may go on.
    void failed(Worker& worker);

    /// `server` has failed this client already: it is not taken.
    void avoid(pool::RealServer& server);

    /// The count on the server, for who ends it alone. Nobody in a queue is called then: for
    /// services whose clients do not wait in one (udp).
    pool::ConnectionLease take_lease() { return std::move(lease_); }

    /// Ends the count on the server; who waits for it may go on.
    void release(Worker& worker);

    pool::RealServer* server() const { return lease_.server(); }
    /// The server that persistence ties the client to, full or not; null when there is none that
    /// may serve it.
    pool::RealServer* wanted() const;
    /// Whether a server besides the leased one takes new work.
    bool has_other() const;
    bool is_fallback() const { return fallback_; }
    /// The Set-Cookie line that tells the client its server; empty when it knows already.
    std::string_view set_cookie(bool tls) const;
    void clear();

private:
    std::optional<std::size_t> remembered(const Address& client, const RequestHead* head,
                                          Engine::Clock::time_point now);
    void set_hint(const Address& client, const Address& dialled, const RequestHead* head);
    std::optional<std::size_t> in_table(Engine::Clock::time_point now);
    bool lease(pool::RealServer& server, Engine::Clock::time_point now);

    WorkerService* service_ = nullptr;
    pool::PickHint hint_;
    pool::ConnectionLease lease_;
    std::optional<std::size_t> known_;     // the server that persistence names, by pool index
    std::optional<std::size_t> chosen_;    // the server of this attempt, by pool index
    std::optional<persistence::Key> key_;  // of the persistence table
    std::array<pool::RealServer*, attempts_max> tried_{};
    std::size_t tried_count_ = 0;
    bool fallback_ = false;
};

}  // namespace poise::proxy
