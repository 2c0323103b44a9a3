// What a run saw, as one line of JSON.
#include "bench/open_loop/record.hpp"

#include <algorithm>
#include <cstdio>

namespace poise::open_loop {

namespace {

std::uint32_t micros(Clock::duration span) {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(span).count());
}

// The value below which that part of a sorted list lies.
std::uint32_t part_of(const std::vector<std::uint32_t>& sorted, double part) {
    if (sorted.empty()) return 0;
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

Record::Record(const Options& options, Clock::time_point began)
    : began_(began), slice_(std::chrono::milliseconds(options.slice_ms)) {
    const std::size_t expected = std::size_t{options.rate} * options.seconds * 11 / 10;
    latencies_us_.reserve(expected);
    late_us_.reserve(expected);
    if (options.slice_ms > 0) slices_us_.resize(options.seconds * 1'000UL / options.slice_ms + 1);
}

void Record::ended(Clock::time_point due, Clock::time_point now) {
    const std::uint32_t us = micros(now - due);
    latencies_us_.push_back(us);
    if (slices_us_.empty()) return;
    const auto at = static_cast<std::size_t>((due - began_) / slice_);
    if (at < slices_us_.size()) slices_us_[at] = std::max(slices_us_[at], us);
}

void Record::sent_late(Clock::duration by) {
    late_us_.push_back(micros(by));
}

void Record::print(Clock::duration taken) {
    std::ranges::sort(latencies_us_);
    std::ranges::sort(late_us_);
    std::printf(
        "RESULT {\"requests\":%zu,\"in_time\":%lu,\"micros\":%u,\"p50\":%u,\"p99\":%u,\"p999\":%u,"
        "\"max\":%u,\"late_p99\":%u,\"late_max\":%u,\"status\":%lu,\"read\":%lu,"
        "\"connect\":%lu,\"timeout\":%lu,\"dropped\":%lu,\"began_ns\":%ld",
        latencies_us_.size(), in_time, micros(taken), part_of(latencies_us_, 0.5),
        part_of(latencies_us_, 0.99), part_of(latencies_us_, 0.999), part_of(latencies_us_, 1),
        part_of(late_us_, 0.99), part_of(late_us_, 1), status, read, connect, timeout, dropped,
        static_cast<long>(began_.time_since_epoch() / std::chrono::nanoseconds(1)));
    print_slices();
    std::puts("}");
}

void Record::print_slices() const {
    if (slices_us_.empty()) return;
    const char* before = ",\"slices\":[";
    for (const std::uint32_t us : slices_us_) {
        std::printf("%s%u", before, us);
        before = ",";
    }
    std::printf("]");
}

}  // namespace poise::open_loop
