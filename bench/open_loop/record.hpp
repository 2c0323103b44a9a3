// What a run saw.
#pragma once

#include "bench/open_loop/arrivals.hpp"
#include "bench/open_loop/options.hpp"

#include <cstdint>
#include <vector>

namespace poise::open_loop {

/// Latencies, and a counter for each way to fail. Printed at the end.
class Record {
public:
    Record(const Options& options, Clock::time_point began);

    /// A request that was due at `due` ended at `now`.
    void ended(Clock::time_point due, Clock::time_point now);
    /// A request that was due at `due` was sent at `now`, although a connection was free before.
    void sent(Clock::time_point due, Clock::time_point now);
    void print(Clock::duration taken);

    std::uint64_t in_time = 0;  // answers before the end of the run: its throughput
    std::uint64_t status = 0;   // answers that are not 2xx
    std::uint64_t read = 0;     // connections that broke within an answer
    std::uint64_t connect = 0;  // connections that could not be opened
    std::uint64_t timeout = 0;  // no answer within the patience
    std::uint64_t dropped = 0;  // never sent, for too many waited

private:
    using Micros = std::vector<std::uint32_t>;

    void note(Micros& all, Micros& slices, Clock::time_point due, Clock::time_point now) const;

    Clock::time_point began_;
    Clock::duration slice_;
    Micros latencies_us_, late_us_;
    Micros latency_slices_us_, late_slices_us_;  // the longest of those that were due in each
};

}  // namespace poise::open_loop
