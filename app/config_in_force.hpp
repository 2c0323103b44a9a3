// The configuration that is served now: publishes a new one to workers and monitor in one step.
#pragma once

#include "app/listening.hpp"
#include "app/snapshot.hpp"
#include "app/state_key.hpp"
#include "app/tls_in_force.hpp"
#include "app/worker_set.hpp"
#include "base/log.hpp"
#include "config/model.hpp"
#include "pool/monitor.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace poise::app {

/// Belongs to the control thread. What it is constructed with outlives it.
class ConfigInForce {
public:
    /// `executor` is the control thread's.
    ConfigInForce(boost::asio::any_io_executor executor, WorkerSet& workers, pool::Monitor& monitor,
                  Log& log)
        : workers_(workers), monitor_(monitor), log_(log), tls_(std::move(executor), log) {}

    /// Cannot fail: whatever can has been done by the caller. `sockets` are those of addresses
    /// that the configuration before did not have.
    void publish(config::Config config, ListeningSockets sockets,
                 TlsInForce::Contexts contexts = {});

    TlsInForce& tls() { return tls_; }

    /// To be called every few seconds: when files of certificates have changed, publishes the same
    /// configuration with what they say now, and returns true. What cannot be used is told, and
    /// changes nothing.
    bool renew_certificates(std::chrono::steady_clock::time_point now);

    /// The keys of cookies, persistence and session tickets, for the other node of the pair; those
    /// that are in use.
    std::vector<std::uint8_t> secrets() const;
    /// Takes the other node's, keeps them for the next start, and publishes the same configuration
    /// with them when that makes a difference; true then. Bytes that make no sense change nothing.
    bool adopt_secrets(const std::vector<std::uint8_t>& secrets);

    const config::Config& config() const { return config_; }
    /// Of the last publish(), which must have been.
    const proxy::Generation& generation() const { return *snapshot_.generation; }

    /// Older generations that still have sessions.
    std::size_t generations_ending();
    /// Where those took datagrams: such a socket stays open until its last session has ended.
    std::vector<ListeningPlace> places_ending();

    /// Persistence brings no client to this server any more, until one is sent there anew.
    void forget_clients(std::string_view service, std::string_view server);

    /// Drops expired persistence entries, a part of them a call, and looks after TLS.
    void sweep(std::chrono::steady_clock::time_point now);

private:
    void load_key();
    void watch(const Snapshot& before);

    WorkerSet& workers_;
    pool::Monitor& monitor_;
    Log& log_;
    TlsInForce tls_;
    config::Config config_;
    std::optional<StateKey> key_;
    Snapshot snapshot_;
    std::vector<std::weak_ptr<const proxy::Generation>> older_;
};

}  // namespace poise::app
