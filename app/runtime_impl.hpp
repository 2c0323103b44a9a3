// What a Runtime is made of; for its own source files alone.
#pragma once

#include "app/config_in_force.hpp"
#include "app/control_server.hpp"
#include "app/door_watch.hpp"
#include "app/latency_window.hpp"
#include "app/layer4.hpp"
#include "app/pair_in_force.hpp"
#include "app/runtime.hpp"
#include "app/service_manager.hpp"
#include "app/signals.hpp"
#include "app/stop_watchdog.hpp"
#include "app/worker_set.hpp"
#include "base/log_writer.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace poise::app {

// Members are made in this order and end in the opposite one: first what takes orders, then what
// serves, then what those write to.
struct Runtime::Impl {
    using Clock = std::chrono::steady_clock;

    struct Loop;  // of the control thread

    Impl(RuntimeOptions given, Log& to);
    ~Impl();

    std::expected<void, std::string> start();
    std::expected<void, std::string> open_outputs();
    proxy::WorkerShared shared_by_workers(unsigned count, IoKind io);
    void announce(Clock::time_point begun) const;
    PairStart pair_start();
    void published();
    ReloadOutcome reload();
    ReloadOutcome reload_and_tell();
    void on_server_event(const pool::ServerEvent& event);
    void sweep_later();
    void drain();
    void stop_now();
    void end();
    void reopen_logs();
    std::shared_ptr<pool::RealServer> find(std::string_view service, std::string_view server);

    enum class Stage : std::uint8_t { made, serving, draining, stopping, ended };

    RuntimeOptions options;
    Log& log;
    const Clock::time_point began = Clock::now();
    config::Node node_as_read;
    Stage stage = Stage::made;
    StopWatchdog watchdog{log};
    std::unique_ptr<Loop> loop;
    ServiceManager systemd;
    proxy::Incidents incidents;
    std::unique_ptr<LogWriter> access_log;
    std::unique_ptr<pool::Monitor> monitor;
    std::unique_ptr<WorkerSet> workers;
    std::unique_ptr<ConfigInForce> in_force;
    std::unique_ptr<Layer4> layer4;
    std::unique_ptr<PairInForce> pair;  // null: this node is alone and has no floating address
    DoorWatch door{incidents, log};
    LatencyWindow latency;
    std::unique_ptr<Signals> signals;
    std::unique_ptr<ControlServer> control;
};

}  // namespace poise::app
