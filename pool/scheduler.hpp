// Chooses which real server takes the next request or connection.
#pragma once

#include "config/model.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

namespace poise::pool {

class RealServer;

struct PickHint {
    using TimePoint = std::chrono::steady_clock::time_point;
    static constexpr TimePoint never = TimePoint::max();

    std::uint64_t source_hash = 0;       // of the client's address (sh, maglev)
    std::uint64_t destination_hash = 0;  // http: host and path; tcp: the address dialled (dh)
    std::span<RealServer* const> tried;  // failed in this exchange: not again
    TimePoint now{};                     // 0: servers that have just failed are not left out
    TimePoint failed_after = never;  // servers whose connects failed later are left out: Picker's
};

/// One object a worker and pool, used on that worker's thread only. pick() runs on the data
/// path: no lock, no allocation, no I/O, no exception.
class Scheduler {
public:
    virtual ~Scheduler() = default;

    /// Called when the set of candidates or a weight has changed, before the next pick. `all` is
    /// every configured server in order (what fixed tables are built over); `candidates` those
    /// that may take something new. Both stay valid until the next call.
    virtual void prepare(std::span<RealServer* const> all,
                         std::span<RealServer* const> candidates) = 0;

    /// One of the candidates that is_usable(); nullptr when there is none.
    virtual RealServer* pick(const PickHint& hint) = 0;
};

/// `seed` differs from worker to worker, so that their round robins do not march in step.
std::unique_ptr<Scheduler> make_scheduler(config::Algorithm algorithm, std::uint64_t seed);

}  // namespace poise::pool
