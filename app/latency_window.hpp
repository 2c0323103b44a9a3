// The response times of the last minute: older counts are kept to be taken off the newest.
#pragma once

#include "base/latency_histogram.hpp"
#include "proxy/service.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <string>

namespace poise::app {

/// Of one service, over all workers.
struct ServiceLatency {
    LatencyCounts head, total;

    bool operator==(const ServiceLatency&) const = default;
};

/// All that was counted since the service is there. Any thread.
ServiceLatency latency_of(const proxy::Service& service);

/// Control thread. Holds a copy of the counts each ten seconds, seven at most.
class LatencyWindow {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds step{10};
    static constexpr std::size_t copies_max = 7;

    /// To be called every few seconds.
    void look(const proxy::Generation& generation, Time now);

    /// What came to `service` since a minute ago, or since the start when that is later. `all` is
    /// what latency_of() says now.
    ServiceLatency recent(const std::string& service, const ServiceLatency& all) const;

private:
    struct Copy {
        Time at;
        std::map<std::string, ServiceLatency> services;
    };
    std::deque<Copy> copies_;
};

}  // namespace poise::app
