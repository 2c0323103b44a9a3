// What each service did, from an hour to a year ago, in files of a fixed size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poise::admin {

/// Counters of a service as they stand, and what is open now.
struct HistorySample {
    double requests = 0, errors = 0, bytes_in = 0, bytes_out = 0;  // ever
    double sessions = 0, servers_up = 0;                           // now
};

constexpr std::size_t history_values = 6;  // in that order; the first four become rates
constexpr std::array<std::string_view, history_values> history_names{
    "requests", "errors", "bytes_in", "bytes_out", "sessions", "servers_up"};

struct HistoryRange {
    std::int64_t start = 0;  // seconds since 1970, of the first point
    std::int64_t step = 0;   // seconds between two
    std::array<std::vector<std::optional<float>>, history_values> values;  // nullopt: not known
};

/// Belongs to the administration's thread. A series is one ring a tier, each slot the mean over
/// its step, so that a file never grows and a restart loses nothing that was written.
class History {
public:
    static constexpr std::size_t series_max = 256;  // more services are not recorded
    static constexpr std::int64_t sample_every_s = 10;
    static constexpr std::string_view all = "=all";  // no service can have this name

    /// An empty `folder`: in memory, for as long as the process lives.
    explicit History(std::string folder);
    ~History();
    History(const History&) = delete;
    History& operator=(const History&) = delete;

    /// Rates are those since the sample before; counters that fell began anew.
    void add(const std::string& service, const HistorySample& sample, std::int64_t now_s);

    /// `range`: hour, day, week, month or year. nullopt for another word or an unknown service.
    std::optional<HistoryRange> read(const std::string& service, std::string_view range,
                                     std::int64_t now_s);

private:
    struct Series {
        int fd = -1;
        std::int64_t sampled = 0;
        HistorySample before;
    };

    Series* open(const std::string& service, bool make);

    std::string folder_;
    std::map<std::string, Series, std::less<>> series_;
};

}  // namespace poise::admin
