// What is counted, logged and kept of UDP sessions and of datagrams that were dropped.
#pragma once

#include "base/engine.hpp"
#include "proxy/incidents.hpp"
#include "proxy/refusal.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace poise::proxy {

class UdpSession;
class Worker;
struct WorkerService;

/// One a listener. Everything is counted and, if it is on, logged; `poise why` is told of each
/// reason at most once a second: a flood must not push all other incidents out.
class UdpReporter {
public:
    static constexpr std::chrono::seconds repeat_after{1};

    explicit UdpReporter(Worker& worker) : worker_(worker) {}

    struct Failure {
        Reason reason = Reason::none;
        Phase phase = Phase::tunnel;
        int error = 0;  // errno, or 0
        std::string_view server;
        Address client;
        Repeat repeat = Repeat::nothing_sent;
        std::string_view id = {};  // as in the access log; empty: it gets one
    };
    /// `count` times.
    void note(WorkerService& service, const Failure& failure, unsigned count = 1);

    /// The session ends. Reason::none: as sessions do.
    void note_end(const UdpSession& session, Reason reason);

private:
    Worker& worker_;
    std::array<Engine::Clock::time_point, static_cast<std::size_t>(Reason::count_)> told_{};
};

}  // namespace poise::proxy
