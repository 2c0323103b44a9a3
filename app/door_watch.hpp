// Tells of clients that no worker could take in: nobody else hears of them.
#pragma once

#include "app/worker_set.hpp"
#include "base/log.hpp"
#include "proxy/incidents.hpp"

#include <chrono>
#include <cstdint>

namespace poise::app {

/// What the workers have counted since the start.
struct DoorCounts {
    std::uint64_t refused_connections = 0;  // over the limit of client connections
    std::uint64_t accept_errors = 0;        // no file descriptor or memory for a client
};

DoorCounts door_counts(const WorkerSet& workers);

/// Logs when a count begins to rise, and while it rises once a minute; refusals are an incident
/// then, too. Control thread.
class DoorWatch {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds repeat_after{60};

    /// Both outlive it.
    DoorWatch(proxy::Incidents& incidents, Log& log) : incidents_(incidents), log_(log) {}

    /// To be called every few seconds.
    void look(DoorCounts counts, Time now);

private:
    /// One count's story.
    struct Story {
        std::uint64_t told = 0;  // the count when it was last told
        Time told_at{};
        std::uint64_t rise(std::uint64_t count, Time now);  // what is to be told now; 0: nothing
    };

    proxy::Incidents& incidents_;
    Log& log_;
    Story refused_;
    Story errors_;
};

}  // namespace poise::app
