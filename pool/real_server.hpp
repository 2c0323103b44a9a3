// One machine that answers requests: what is configured, what is known of it now, and counts.
#pragma once

#include "base/address.hpp"
#include "config/model.hpp"
#include "pool/agent_state.hpp"

#include <atomic>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace poise::pool {

using SteadyTime = std::chrono::steady_clock::time_point;

enum class AdminState : std::uint8_t { online, drain, halt };
enum class Health : std::uint8_t { unknown, up, down };  // unknown: not probed yet, serves

/// Why a server is in its state and since when, for people. A copy.
struct ServerReport {
    Health health = Health::unknown;  // down also while its name is unresolved or its agent says so
    AdminState admin = AdminState::online;
    std::string reason;  // "connect refused", "agent: down #disk full", "" when nothing is to say
    std::chrono::system_clock::time_point since;  // of health, admin state, or draining by agent
    std::uint32_t weight = 0;                     // 0 to 256: as the operator, agent or file says
    std::uint32_t connections_max = 0;            // in force; 0: no limit
    std::string agent;                            // "", or what is wrong with the agent itself
};

/// What the service says about each of its servers.
struct ServerSettings {
    std::chrono::milliseconds slow_start{0};
    std::uint32_t passive_fall = 0;  // failures of real traffic in a row that count; 0: none do
    bool has_check = false;          // which has the last word on failures of real traffic

    bool operator==(const ServerSettings&) const = default;
};

class RealServer;

/// What all servers of one service have in common, from generation to generation.
struct Siblings {
    std::atomic<std::uint64_t> version{0};  // counts the changes that schedulers must see
    std::atomic<SteadyTime::rep> connect_failed_at{0};  // the last time, of any of them
    std::mutex mutex;  // held while real traffic takes one of them down: one after the other
    std::vector<std::weak_ptr<const RealServer>> servers;  // of the newest generation
};

/// All workers share it: what changes is atomic, and each value stands by itself, so relaxed
/// order is enough. Lives as long as a generation refers to it; an unchanged server keeps its
/// object over a reload. Any thread may call anything unless a comment says otherwise.
class RealServer : public std::enable_shared_from_this<RealServer> {
public:
    /// Raises the version of `siblings` with each change of what schedulers look at; without
    /// them it is alone.
    explicit RealServer(config::Server configured, ServerSettings settings = {},
                        std::shared_ptr<Siblings> siblings = nullptr);
    RealServer(const RealServer&) = delete;
    RealServer& operator=(const RealServer&) = delete;

    /// As first configured. A reload may have changed weight, max_connections and backup since:
    /// ask report() and backup() for those.
    const config::Server& configured() const { return configured_; }
    const std::string& name() const { return configured_.name; }

    /// Where it is; nullopt while its name has not been resolved.
    std::optional<Address> address() const;
    /// From the resolver. Changes `address_generation()` when it is a new one.
    void set_address(std::optional<Address> address,
                     SteadyTime now = std::chrono::steady_clock::now());
    std::uint32_t address_generation() const { return address_generation_.load(relaxed); }

    /// Up, online, resolved and of weight above 0: may take something new. Does not look at
    /// max_connections.
    bool may_take_new() const { return eligible_.load(relaxed); }
    /// May go on serving a client that persistence brings: like may_take_new, but a draining
    /// server and one of weight 0 still serve.
    bool may_serve_known() const { return serves_known_.load(relaxed); }
    std::uint32_t connections_max() const { return connections_max_.load(relaxed); }  // 0: none
    bool full() const {
        const auto limit = connections_max_.load(relaxed);
        return limit != 0 && connections() >= limit;
    }
    /// An administrator wants it to do nothing more: its sessions are to end now.
    bool halted() const { return halted_.load(relaxed); }
    bool backup() const { return backup_.load(relaxed); }

    /// What schedulers compare: configured or run-time weight, the agent's percentage and slow
    /// start applied. 0 to 256 * 256 (scaled by weight_scale, so that slow start has steps).
    static constexpr std::uint32_t weight_scale = 256;
    static constexpr std::uint32_t weight_max = 256;
    std::uint32_t effective_weight() const { return effective_weight_.load(relaxed); }
    /// The same but for slow start: what tables that are to move little are built from.
    std::uint32_t settled_weight() const { return settled_weight_.load(relaxed); }
    /// As in the file, in the same scale.
    std::uint32_t configured_weight() const {
        return configured_weight_.load(relaxed) * weight_scale;
    }

    /// Requests (http) or connections (tcp) being served now, by all workers.
    std::uint32_t connections() const { return connections_.load(relaxed); }

    /// Moving average of the time to the response head, in microseconds; 0 before the first.
    std::uint32_t response_us() const { return response_us_.load(relaxed); }
    void note_response(std::chrono::microseconds taken);

    /// What real traffic saw (passive observation). `reason` must have static storage.
    void note_success() {
        successes_.fetch_add(1, relaxed);
        if (failures_in_row_.load(relaxed) != 0) forgive_failures();
    }
    /// `passive_fall` failed connects in a row take the server down, until set_health() brings it
    /// up again; but the last one that serves only when it has no check.
    void note_connect_failure(const char* reason,
                              SteadyTime now = std::chrono::steady_clock::now());
    /// A connect failed later than `moment`, and nothing has succeeded since.
    bool connect_failed_after(SteadyTime moment) const {
        return connect_failed_at_.load(relaxed) > moment.time_since_epoch().count();
    }
    /// One broken page may fail everywhere: that many failed answers in a row make the server
    /// suspect, and its check decides. Without a check they take it down.
    void note_answer_failure(const char* reason);

    /// Whether it has become suspect since the last call: then its check is due now.
    bool take_suspicion() { return suspect_.load(relaxed) && suspect_.exchange(false, relaxed); }
    /// The check of a suspect has failed too: down. Else it starts with a clean sheet.
    void confirm_failures(const std::string& check_reason);
    void forgive_failures();

    // Counters shown to people.
    std::uint64_t successes() const { return successes_.load(relaxed); }
    std::uint64_t failures() const { return failures_.load(relaxed); }

    ServerReport report() const;

    /// What the administrator wants.
    void set_admin(AdminState state, SteadyTime now = std::chrono::steady_clock::now());
    /// At run time, 0 to weight_max, above what the file and the agent say; nullopt ends that.
    void set_weight(std::optional<std::uint32_t> weight);

    /// What the health checks found. Up also forgives failures of real traffic.
    void set_health(Health health, std::string reason,
                    SteadyTime now = std::chrono::steady_clock::now());
    /// What set_health() said last, whatever else keeps the server down.
    Health checked() const;
    /// Taken down by failures of real traffic and not brought up since.
    bool passive_down() const { return passive_down_.load(relaxed); }

    void set_agent(AgentState state, SteadyTime now = std::chrono::steady_clock::now());
    AgentState agent() const;
    /// The agent itself fails, which says nothing of the server: noted in the report. "" clears.
    void set_agent_error(std::string error);

    /// Applies a reload that changed no more than weight, max_connections, backup and settings.
    /// A new configured weight ends the one set at run time.
    void reconfigure(const config::Server& configured, ServerSettings settings);

    /// Slow start goes on: to be called about each second while ramping() holds.
    void tick(SteadyTime now);
    bool ramping() const { return ramping_.load(relaxed); }

    /// Rises when report().health or reason has changed.
    std::uint32_t report_changes() const { return report_changes_.load(relaxed); }

private:
    friend class ConnectionLease;
    static constexpr auto relaxed = std::memory_order_relaxed;

    bool serving() const;
    bool agent_drains() const;
    std::uint32_t count_failure(const char* reason);
    void forgive_connects();
    bool has_serving_sibling() const;
    void go_down_by_traffic(std::string reason);
    Health shown_health() const;
    std::string shown_reason() const;
    std::uint32_t weight_in_force() const;
    std::int64_t scaled_weight() const;
    std::uint32_t shown_weight() const;
    std::uint32_t weight_at(SteadyTime now);
    void update(SteadyTime now);
    void update_report();
    template <typename T>
    void publish(std::atomic<T>& to, T value, bool& changed);

    const config::Server configured_;

    // Written with each request: a line of its own, so that the readers of the next are not hit.
    alignas(64) std::atomic<std::uint32_t> connections_{0};
    std::atomic<std::uint32_t> response_us_{0};
    std::atomic<std::uint64_t> successes_{0};
    std::atomic<std::uint64_t> failures_{0};
    std::atomic<std::uint32_t> failures_in_row_{0};
    std::atomic<std::uint32_t> connect_failures_in_row_{0};
    std::atomic<const char*> last_failure_{""};
    std::atomic<bool> suspect_{false};

    // Written when the state changes, read with each pick.
    alignas(64) std::atomic<std::uint32_t> connections_max_{0};
    std::atomic<std::uint32_t> effective_weight_{0};
    std::atomic<std::uint32_t> settled_weight_{0};
    std::atomic<std::uint32_t> configured_weight_{0};  // without weight_scale
    std::atomic<std::uint32_t> address_generation_{0};
    std::atomic<std::uint32_t> passive_fall_{0};
    std::atomic<std::uint32_t> report_changes_{0};
    std::atomic<SteadyTime::rep> connect_failed_at_{0};  // 0: not since the last success
    std::atomic<bool> eligible_{false};
    std::atomic<bool> serves_known_{false};
    std::atomic<bool> halted_{false};
    std::atomic<bool> backup_{false};
    std::atomic<bool> passive_down_{false};
    std::atomic<bool> has_check_{false};
    std::atomic<bool> ramping_{false};
    const std::shared_ptr<Siblings> siblings_;

    mutable std::mutex mutex_;  // guards what follows; never taken for a reused connection
    std::optional<Address> address_;
    ServerSettings settings_;
    std::uint32_t configured_connections_max_ = 0;
    AdminState admin_ = AdminState::online;
    Health health_ = Health::unknown;
    std::string health_reason_;
    std::string passive_reason_;
    std::optional<std::uint32_t> run_time_weight_;
    AgentState agent_;
    std::string agent_error_;
    std::optional<SteadyTime> ramp_start_;
    bool was_serving_ = false;
    bool ever_served_ = false;
    Health reported_health_ = Health::unknown;
    AgentState::Admission reported_admission_ = AgentState::Admission::ready;
    std::string reported_reason_;
    std::chrono::system_clock::time_point since_;
};

/// Counts one request or connection on `server` for as long as it lives. `server` outlives it.
class ConnectionLease {
public:
    ConnectionLease() = default;
    /// Counts whatever the server's limit says.
    explicit ConnectionLease(RealServer& server) : server_(&server) {
        server.connections_.fetch_add(1, std::memory_order_relaxed);
    }
    ConnectionLease(ConnectionLease&& other) noexcept : server_(other.server_) {
        other.server_ = nullptr;
    }
    ConnectionLease& operator=(ConnectionLease&& other) noexcept {
        if (this != &other) {
            release();
            server_ = other.server_;
            other.server_ = nullptr;
        }
        return *this;
    }
    ~ConnectionLease() { release(); }

    RealServer* server() const { return server_; }
    /// Of no server when `server` is at its limit, which no two threads pass together.
    static ConnectionLease below_limit(RealServer& server) {
        const auto limit = server.connections_max();
        if (limit == 0) return ConnectionLease(server);
        ConnectionLease lease;
        auto connections = server.connections_.load(std::memory_order_relaxed);
        while (connections < limit) {
            if (!server.connections_.compare_exchange_weak(connections, connections + 1,
                                                           std::memory_order_relaxed))
                continue;
            lease.server_ = &server;
            break;
        }
        return lease;
    }
    /// For who keeps millions of counts and no room for a lease: the count stays, and ends when
    /// what adopt() gives is released.
    void detach() { server_ = nullptr; }
    static ConnectionLease adopt(RealServer& server) {
        ConnectionLease lease;
        lease.server_ = &server;
        return lease;
    }
    void release() {
        if (server_ == nullptr) return;
        [[maybe_unused]] const auto before =
            server_->connections_.fetch_sub(1, std::memory_order_relaxed);
        assert(before > 0);
        server_ = nullptr;
    }

private:
    RealServer* server_ = nullptr;
};

}  // namespace poise::pool
