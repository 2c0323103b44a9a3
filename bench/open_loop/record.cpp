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

void print_slices(const char* name, const std::vector<std::uint32_t>& slices_us) {
    if (slices_us.empty()) return;
    std::printf(",\"%s\":", name);
    char before = '[';
    for (const std::uint32_t us : slices_us) {
        std::printf("%c%u", before, us);
        before = ',';
    }
    std::printf("]");
}

}  // namespace

Record::Record(const Options& options, Clock::time_point began)
    : began_(began), slice_(std::chrono::milliseconds(options.slice_ms)) {
    const std::size_t expected = std::size_t{options.rate} * options.seconds * 11 / 10;
    latencies_us_.reserve(expected);
    late_us_.reserve(expected);
    if (options.slice_ms == 0) return;
    latency_slices_us_.resize(options.seconds * 1'000UL / options.slice_ms + 1);
    late_slices_us_.resize(latency_slices_us_.size());
}

void Record::note(Micros& all, Micros& slices, Clock::time_point due, Clock::time_point now) const {
    const std::uint32_t us = micros(now - due);
    all.push_back(us);
    if (slices.empty()) return;
    const auto at = static_cast<std::size_t>((due - began_) / slice_);
    if (at < slices.size()) slices[at] = std::max(slices[at], us);
}

void Record::ended(Clock::time_point due, Clock::time_point now) {
    note(latencies_us_, latency_slices_us_, due, now);
}

void Record::sent(Clock::time_point due, Clock::time_point now) {
    note(late_us_, late_slices_us_, due, now);
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
    print_slices("slices", latency_slices_us_);
    print_slices("late_slices", late_slices_us_);
    std::puts("}");
}

}  // namespace poise::open_loop
