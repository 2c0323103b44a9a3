// The running program: owns everything that serves, builds it and tears it down in a fixed order.
#pragma once

#include "app/dropped.hpp"
#include "app/flow_list.hpp"
#include "app/status.hpp"
#include "base/log.hpp"
#include "config/load.hpp"
#include "config/model.hpp"
#include "pool/monitor.hpp"
#include "proxy/incidents.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace poise::app {

struct ReloadOutcome {
    std::string error;                // empty: the new configuration is in force
    config::Diagnostics diagnostics;  // what is wrong with the file, when that is the error
    std::string changes;              // a line for each
    std::uint64_t generation = 0;     // in force now
};

struct RuntimeOptions {
    config::Config config;
    config::Node node;
    std::string config_path;       // read again by reload(); empty: there is no file
    std::string node_path;         // looked at again by reload(), to tell of changes; may be empty
    std::string control_path;      // empty: no control socket
    bool control_required = true;  // else goes on without one when the path cannot be used
    /// Beside the log, on the control thread; may be empty.
    std::function<void(const pool::ServerEvent&)> on_event;
    /// After each reload, on the control thread; may be empty.
    std::function<void(const ReloadOutcome&)> on_reload;
};

/// What the nodes of the pair know of each other's settings.
struct PairSettings {
    bool known = false;  // the other node has said what it has
    ha::Verdict verdict = ha::Verdict::equal;
    std::uint64_t version = 0;
    std::string problem;
    std::string ours, theirs;  // both poise.yaml, when they differ and theirs is known
};

/// Everything runs on the thread that calls run(), which is the control thread: health checks,
/// the control socket, reloads. Traffic is served by the workers' threads.
class Runtime {
public:
    /// `log` outlives it.
    Runtime(RuntimeOptions options, Log& log);
    ~Runtime();
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;

    /// Opens every socket, then serves. On failure nothing is left open and the error is a
    /// sentence for the operator. Once only.
    std::expected<void, std::string> start();

    /// Until stopped by a signal or a call. SIGHUP reloads; SIGTERM drains and stops; SIGINT or
    /// a second SIGTERM stops at once; SIGUSR1 opens the logs anew. A stop that takes ten seconds,
    /// or another SIGINT or SIGTERM more than two seconds later, ends the process with code 1.
    /// `on_end` is called as soon as it ends, to cancel what the caller has put on executor().
    void run(const std::function<void()>& on_end = {});

    /// Ends run() when all sessions have ended, or after the largest `timeouts.drain`.
    void drain();
    void stop_now();

    /// Reads the file again. On failure nothing has changed.
    ReloadOutcome reload();

    /// False when there is no such server. Halting also forgets the clients that persistence
    /// brings to it.
    bool set_admin(std::string_view service, std::string_view server, pool::AdminState state);
    bool set_weight(std::string_view service, std::string_view server, std::uint32_t weight);

    /// The pair's addresses change hands. Empty: ordered; else a sentence that says why not.
    std::string takeover(bool force);
    std::string standby();

    /// Whether both nodes of the pair have the same settings, and what differs. The error is a
    /// sentence.
    std::expected<PairSettings, std::string> pair_settings() const;
    /// The other node's settings replace this one's. Empty: under way; else why not.
    std::string take_pair_settings();

    Status status() const;
    const proxy::Generation& generation() const;
    const proxy::Incidents& incidents() const;
    /// Packets that layer 4 dropped: examples of each reason, the newest first.
    std::vector<Dropped> last_drops() const;
    /// Those that are served, the first to expire first.
    std::vector<CertificateStatus> certificates() const;
    /// Begins to look for flows of layer 4; null: there are none.
    std::shared_ptr<FlowList> list_flows(const admin::ListFilter& filter);
    bool has_control() const;

    /// For what else is to run on the control thread.
    boost::asio::any_io_executor executor();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The version of this build, "0.1.0".
std::string_view version();

}  // namespace poise::app
