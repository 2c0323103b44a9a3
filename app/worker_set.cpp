#include "app/worker_set.hpp"

#include "base/signals_blocked.hpp"

#include <fmt/format.h>

#include <pthread.h>
#include <utility>

namespace poise::app {

WorkerSet::WorkerSet(unsigned count, proxy::WorkerShared shared, std::function<void()> on_all_ended)
    : shared_(std::move(shared)), on_all_ended_(std::move(on_all_ended)) {
    for (unsigned i = 0; i < count; ++i)
        workers_.push_back(std::make_unique<proxy::Worker>(i, shared_));
    for (const auto& worker : workers_)
        shared_.workers.push_back(worker.get());
}

WorkerSet::~WorkerSet() {
    stop_now();
    join();
}

void WorkerSet::start() {
    const SignalsBlocked blocked;
    running_ = size();
    for (const auto& worker : workers_) {
        threads_.emplace_back([this, &worker = *worker] {
            worker.run();
            if (running_.fetch_sub(1) == 1) on_all_ended_();
        });
        const std::string name = fmt::format("poise-w{}", worker->index());
        ::pthread_setname_np(threads_.back().native_handle(), name.c_str());
    }
}

void WorkerSet::adopt(const std::shared_ptr<const proxy::Generation>& generation,
                      ListeningSockets sockets) {
    for (const auto& worker : workers_) {
        std::vector<proxy::Worker::NewSocket> own;
        for (const auto& socket : sockets.take(worker->index()))
            own.push_back({socket.address, socket.fd, socket.transport});
        worker->adopt(generation, std::move(own));
    }
}

void WorkerSet::servers_lost() {
    for (const auto& worker : workers_)
        worker->servers_lost();
}

void WorkerSet::servers_won() {
    for (const auto& worker : workers_)
        worker->servers_won();
}

void WorkerSet::drain_and_stop(std::chrono::milliseconds limit) {
    for (const auto& worker : workers_)
        worker->drain_and_stop(limit);
}

void WorkerSet::stop_now() {
    for (const auto& worker : workers_)
        worker->stop_now();
}

void WorkerSet::join() {
    for (std::thread& thread : threads_)
        if (thread.joinable()) thread.join();
}

}  // namespace poise::app
