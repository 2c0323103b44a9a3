// One server under watch: its health check, its agent, its name. The monitor owns these.
#pragma once

#include "base/task_group.hpp"
#include "config/model.hpp"
#include "pool/health_state.hpp"
#include "pool/monitor.hpp"
#include "pool/pool.hpp"
#include "pool/probe.hpp"
#include "pool/random.hpp"
#include "pool/resolver.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace poise::pool {

/// What must be the same for a watch to go on after a reload.
struct WatchPlan {
    config::HealthCheck check;
    config::ServerTls server_tls;
    std::optional<config::Agent> agent;
    Address virtual_address;

    bool operator==(const WatchPlan&) const = default;
};

/// What is the same for all watches and outlives them.
struct WatchShared {
    Monitor::OnEvent on_event;  // may be empty
    Resolver resolver;
};

/// Its coroutines hold a pointer to it: it must not die before they have ended. Control thread.
class Watch {
public:
    Watch(boost::asio::any_io_executor executor, std::string service,
          std::shared_ptr<const WatchPlan> plan, std::shared_ptr<RealServer> server,
          const WatchShared& shared, std::uint64_t seed);

    void start();
    /// What checks of a server that speaks TLS shake hands with from now on; may be null.
    void set_tls(std::shared_ptr<tls::ClientContext> context) { tls_ = std::move(context); }
    void cancel() {
        cancelled_ = true;
        tasks_.cancel();
    }
    std::size_t running() const { return tasks_.running(); }

    const std::shared_ptr<RealServer>& server() const { return server_; }
    const WatchPlan& plan() const { return *plan_; }

    /// Moves slow start on, tells of changes that came from elsewhere (real traffic), and has a
    /// suspect checked at once. Cheap.
    void look(SteadyTime now);

private:
    static Task<void> run_checks(Watch* self);
    static Task<void> run_agent(Watch* self);
    static Task<void> run_resolver(Watch* self);

    ProbeTarget target_at(const Address& address) const;
    Task<void> wait_for_check(SteadyTime due);
    void give_another_try(SteadyTime now);
    void note_suspect(const ProbeResult& result);
    void note_result(const ProbeResult& result);
    void note_agent_line(const std::string& line);
    void note_agent_failure(const std::string& wrong);
    void note_name(const std::vector<Address>& found, const std::string& wrong);
    void tell_changes(const std::string& addition);
    void tell_agent_weight(std::uint32_t before);
    void tell(std::string text, bool bad);
    std::chrono::milliseconds first_delay(std::chrono::milliseconds interval);
    std::chrono::milliseconds jittered(std::chrono::milliseconds interval);

    std::string service_;
    std::shared_ptr<const WatchPlan> plan_;  // of all servers of the service
    std::shared_ptr<RealServer> server_;
    std::shared_ptr<tls::ClientContext> tls_;
    const WatchShared& shared_;
    Random random_;
    HealthState state_;
    std::uint32_t seen_changes_ = 0;
    std::optional<Health> seen_health_;  // nullopt: nothing known yet, not even its address
    AgentState::Admission seen_admission_ = AgentState::Admission::ready;
    std::uint32_t told_weight_;
    bool agent_fails_ = false;
    bool cancelled_ = false;
    bool suspected_ = false;  // a check is due now
    SteadyTime next_suspicion_{};
    std::optional<SteadyTime> next_try_;  // of one without a check that real traffic found down
    boost::asio::steady_timer check_timer_;
    TaskGroup tasks_;
};

}  // namespace poise::pool
