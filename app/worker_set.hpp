// The worker threads: made before anything serves, ended together.
#pragma once

#include "app/listening.hpp"
#include "proxy/worker.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace poise::app {

/// Owned by the control thread, which alone calls it.
class WorkerSet {
public:
    /// `shared.workers` is filled here. `on_all_ended` is called on the last worker's thread when
    /// its run has ended. Throws std::system_error when the kernel gives no `shared.io` or no
    /// thread.
    WorkerSet(unsigned count, proxy::WorkerShared shared, std::function<void()> on_all_ended);
    /// Stops and waits for what still runs.
    ~WorkerSet();
    WorkerSet(const WorkerSet&) = delete;
    WorkerSet& operator=(const WorkerSet&) = delete;

    /// Starts the threads, named poise-w0 and so on, with all signals blocked.
    void start();
    void adopt(const std::shared_ptr<const proxy::Generation>& generation,
               ListeningSockets sockets);
    void servers_lost();  // one was halted or went down
    void servers_won();   // one serves again or takes more
    void drain_and_stop(std::chrono::milliseconds limit);
    void stop_now();
    void join();  // waits for the threads, which have been told to stop

    IoKind io() const { return shared_.io; }
    unsigned size() const { return static_cast<unsigned>(workers_.size()); }
    const proxy::Worker& operator[](unsigned index) const { return *workers_[index]; }

private:
    proxy::WorkerShared shared_;
    std::function<void()> on_all_ended_;
    std::vector<std::unique_ptr<proxy::Worker>> workers_;
    std::vector<std::thread> threads_;
    std::atomic<unsigned> running_{0};
};

}  // namespace poise::app
