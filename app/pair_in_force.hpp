// The pair as the running program has it: starts the node that holds the floating addresses, and
// tells it of each new configuration.
#pragma once

#include "app/pair_replica.hpp"
#include "base/log.hpp"
#include "config/model.hpp"
#include "ha/hook.hpp"
#include "ha/node.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace poise::app {

struct PairStart {
    std::string config_path;     // both nodes are to have the same; empty: there is no file
    std::string history_folder;  // keeps what settings were; empty: nowhere
    ReplicaHooks hooks;
};

/// Control thread.
class PairInForce {
public:
    /// Nothing to do without floating addresses and without a cluster. The error is a sentence.
    /// `executor` is the control thread's; it outlives this.
    static std::expected<std::unique_ptr<PairInForce>, std::string> start(
        const boost::asio::any_io_executor& executor, const config::Node& node,
        const config::Config& config, const proxy::Generation& generation, PairStart start,
        Log& log);
    ~PairInForce();
    PairInForce(const PairInForce&) = delete;
    PairInForce& operator=(const PairInForce&) = delete;

    /// `config` is in force now. Reads the key file again: keys are changed by a reload.
    void published(const config::Config& config, const proxy::Generation& generation);
    /// To be called every few seconds: what the other node has.
    void look();

    ha::PairStatus status() const;
    /// Null: this node is alone.
    PairReplica* replica() { return replica_.get(); }
    /// Empty: ordered. Else why not.
    std::string takeover(bool force);
    std::string standby() { return node_->standby(); }
    /// Hands the addresses over, which takes a moment. Once; then the node is gone.
    void stop();
    /// Kills the operator's program if it still runs; the executor must run on until hooks() is 0.
    void cancel_hook() { hook_.cancel(); }
    std::size_t hooks() const { return hook_.running(); }

private:
    static constexpr std::chrono::milliseconds stop_limit{500};

    PairInForce(const boost::asio::any_io_executor& executor, const std::string& hook, Log& log);

    void on_change(const ha::OwnerChange& change);
    void read_keys();

    boost::asio::any_io_executor executor_;
    std::string key_file_;
    Log& log_;
    bool told_different_ = false;
    std::vector<config::FloatingAddress> addresses_;
    ha::Hook hook_;
    std::unique_ptr<ha::Node> node_;
    std::unique_ptr<PairReplica> replica_;
};

}  // namespace poise::app
