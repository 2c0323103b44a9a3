// Counts a session for as long as it lives.
#pragma once

#include "proxy/client.hpp"

#include <memory>

namespace poise::proxy {

class SessionCount {
public:
    /// `client` outlives this.
    explicit SessionCount(Client& client)
        : worker_(client.worker),
          keeps_(client.generation),
          counters_(client.worker_service().counters) {
        counters_.sessions.add();
    }
    ~SessionCount() {
        counters_.sessions.subtract();
        worker_.end_session();
    }
    SessionCount(const SessionCount&) = delete;
    SessionCount& operator=(const SessionCount&) = delete;

private:
    Worker& worker_;
    std::shared_ptr<WorkerGeneration> keeps_;  // whose counters these are
    ServiceCounters& counters_;
};

}  // namespace poise::proxy
