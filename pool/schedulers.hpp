// Makes each scheduler; a file of its own implements it. For make_scheduler() and tests.
#pragma once

#include "pool/scheduler.hpp"

#include <cstdint>
#include <memory>

namespace poise::pool {

/// Each in turn, whatever its weight.
std::unique_ptr<Scheduler> make_round_robin(std::uint64_t seed);

/// In turn, in proportion to weight, and evenly: a heavy server is not served in a burst.
std::unique_ptr<Scheduler> make_weighted_round_robin(std::uint64_t seed);

/// Fewest connections, whatever the weight; in turn among equals.
std::unique_ptr<Scheduler> make_least_connections(std::uint64_t seed);

/// Fewest connections for its weight; among equals in proportion to weight.
std::unique_ptr<Scheduler> make_weighted_least_connections(std::uint64_t seed);

/// Shortest response time times connections for its weight.
std::unique_ptr<Scheduler> make_least_time(std::uint64_t seed);

/// The less loaded of two that were drawn in proportion to weight.
std::unique_ptr<Scheduler> make_random2(std::uint64_t seed);

enum class HashOf : std::uint8_t { source, destination };

/// A fixed table over all configured servers. The requests of a server that cannot take them are
/// spread over the others, whose own stay where they are.
std::unique_ptr<Scheduler> make_fixed_table(HashOf hash_of);

/// Maglev's table over the candidates by the source's hash: even, and little moves when one goes.
std::unique_ptr<Scheduler> make_maglev();

}  // namespace poise::pool
