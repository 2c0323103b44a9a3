// From the configuration's word to the scheduler.
#include "pool/scheduler.hpp"

#include "pool/schedulers.hpp"

#include <cassert>

namespace poise::pool {

std::unique_ptr<Scheduler> make_scheduler(config::Algorithm algorithm, std::uint64_t seed) {
    switch (algorithm) {
        case config::Algorithm::rr:
            return make_round_robin(seed);
        case config::Algorithm::wrr:
            return make_weighted_round_robin(seed);
        case config::Algorithm::lc:
            return make_least_connections(seed);
        case config::Algorithm::wlc:
            return make_weighted_least_connections(seed);
        case config::Algorithm::dh:
            return make_fixed_table(HashOf::destination);
        case config::Algorithm::sh:
            return make_fixed_table(HashOf::source);
        case config::Algorithm::maglev:
            return make_maglev();
        case config::Algorithm::random2:
            return make_random2(seed);
        case config::Algorithm::least_time:
            return make_least_time(seed);
    }
    assert(false);
    return nullptr;
}

}  // namespace poise::pool
