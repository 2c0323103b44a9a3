#include "app/door_watch.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace poise::app {

DoorCounts door_counts(const WorkerSet& workers) {
    DoorCounts counts;
    for (unsigned i = 0; i < workers.size(); ++i) {
        counts.refused_connections += workers[i].refused_connections.value();
        counts.accept_errors += workers[i].accept_errors.value();
    }
    return counts;
}

std::uint64_t DoorWatch::Story::rise(std::uint64_t count, Time now) {
    const bool just_told = told != 0 && now - told_at < repeat_after;
    if (count == told || just_told) return 0;
    told_at = now;
    return count - std::exchange(told, count);
}

void DoorWatch::look(DoorCounts counts, Time now) {
    if (const auto refused = refused_.rise(counts.refused_connections, now); refused != 0) {
        const auto text = fmt::format("{} client connection{} refused", refused,
                                      refused == 1 ? " was" : "s were");
        log_.warn(text +
                  ": there are as many as node.max_connections, or the limit on open files, "
                  "allows");
        incidents_.add({.at = std::chrono::system_clock::now(),
                        .reason = proxy::Reason::too_many_connections,
                        .side = proxy::Side::us,
                        .phase = proxy::Phase::accept,
                        .detail = text});
    }
    if (const auto errors = errors_.rise(counts.accept_errors, now); errors != 0) {
        log_.warn(
            fmt::format("clients could not be accepted: no file descriptor or memory was free "
                        "for one, {} time{}; raise the limit on open files "
                        "(or fs.epoll.max_user_watches)",
                        errors, errors == 1 ? "" : "s"));
    }
}

}  // namespace poise::app
