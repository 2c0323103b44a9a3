#include "admin/history.hpp"

#include "admin/file.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace poise::admin {

namespace {

struct Tier {
    std::string_view name;
    std::int64_t step;
    std::int64_t slots;
};
constexpr std::array<Tier, 5> tiers{{
    {"hour", 10, 360},
    {"day", 120, 720},
    {"week", 900, 672},
    {"month", 3'600, 744},
    {"year", 21'600, 1'464},
}};

struct Slot {
    std::uint32_t period = 0;  // time / step: which round of the ring it belongs to
    std::uint32_t count = 0;   // samples in the means
    std::array<float, history_values> means{};
};
static_assert(sizeof(Slot) == 32);

constexpr std::string_view magic = "poise history 1\n";  // also the size of the header
constexpr std::size_t rates = 4;

constexpr std::int64_t slots_before(std::size_t tier) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < tier; ++i)
        sum += tiers[i].slots;
    return sum;
}
constexpr std::int64_t file_bytes =
    static_cast<std::int64_t>(magic.size()) + slots_before(tiers.size()) * 32;

off_t offset_of(std::size_t tier, std::int64_t slot) {
    return static_cast<off_t>(magic.size()) + (slots_before(tier) + slot) * 32;
}

std::array<double, history_values> values_of(const HistorySample& sample) {
    return {sample.requests,  sample.errors,   sample.bytes_in,
            sample.bytes_out, sample.sessions, sample.servers_up};
}

void add_to(Slot& slot, std::uint32_t period, std::span<const float, history_values> values) {
    if (slot.period != period) slot = Slot{.period = period};
    ++slot.count;
    for (std::size_t i = 0; i < history_values; ++i)
        slot.means[i] += (values[i] - slot.means[i]) / static_cast<float>(slot.count);
}

// A file of another form or size begins anew.
bool is_ours(int fd) {
    struct stat facts{};
    std::array<char, magic.size()> head{};
    return ::fstat(fd, &facts) == 0 && facts.st_size == file_bytes &&
           ::pread(fd, head.data(), head.size(), 0) == static_cast<ssize_t>(head.size()) &&
           std::string_view(head.data(), head.size()) == magic;
}

bool make_empty(int fd) {
    return ::ftruncate(fd, 0) == 0 && ::ftruncate(fd, file_bytes) == 0 &&
           ::pwrite(fd, magic.data(), magic.size(), 0) == static_cast<ssize_t>(magic.size());
}

}  // namespace

History::History(std::string folder) : folder_(std::move(folder)) {
    if (!folder_.empty() && !make_folder(folder_)) folder_.clear();
}

History::~History() {
    for (const auto& [name, series] : series_)
        ::close(series.fd);
}

History::Series* History::open(const std::string& service, bool make) {
    if (const auto known = series_.find(service); known != series_.end()) return &known->second;
    if (series_.size() >= series_max) return nullptr;
    const std::string path = folder_ + "/" + service + ".series";
    const int flags = O_RDWR | O_CLOEXEC | (make ? O_CREAT : 0);
    int fd = -1;
    if (!folder_.empty()) fd = ::open(path.c_str(), flags, 0600);
    if (folder_.empty() && make) fd = ::memfd_create("poise-history", MFD_CLOEXEC);
    if (fd < 0) return nullptr;
    if (!is_ours(fd) && !make_empty(fd)) {
        ::close(fd);
        return nullptr;
    }
    return &series_.emplace(service, Series{.fd = fd}).first->second;
}

void History::add(const std::string& service, const HistorySample& sample, std::int64_t now_s) {
    Series* const series = open(service, true);
    if (series == nullptr) return;
    const auto now = values_of(sample);
    const auto before = values_of(series->before);
    const auto passed = static_cast<double>(now_s - series->sampled);
    const bool has_before = series->sampled != 0 && passed > 0 && passed < 10 * sample_every_s;
    const bool anew = now[0] < before[0] || now[2] < before[2];
    series->sampled = now_s;
    series->before = sample;
    if (!has_before || anew) return;
    std::array<float, history_values> values{};
    for (std::size_t i = 0; i < history_values; ++i) {
        values[i] =
            static_cast<float>(i < rates ? std::max(0.0, now[i] - before[i]) / passed : now[i]);
    }
    for (std::size_t tier = 0; tier < tiers.size(); ++tier) {
        const auto period = static_cast<std::uint32_t>(now_s / tiers[tier].step);
        const off_t at = offset_of(tier, period % tiers[tier].slots);
        Slot slot;
        if (::pread(series->fd, &slot, sizeof slot, at) != sizeof slot) continue;
        add_to(slot, period, values);
        // A full disk costs points and nothing else.
        [[maybe_unused]] const auto written = ::pwrite(series->fd, &slot, sizeof slot, at);
    }
}

std::optional<HistoryRange> History::read(const std::string& service, std::string_view range,
                                          std::int64_t now_s) {
    const auto* const found = std::ranges::find(tiers, range, &Tier::name);
    if (found == tiers.end()) return std::nullopt;
    Series* const series = open(service, false);
    if (series == nullptr) return std::nullopt;
    const auto tier = static_cast<std::size_t>(found - tiers.begin());
    std::vector<Slot> slots(static_cast<std::size_t>(found->slots));
    const auto bytes = static_cast<ssize_t>(slots.size() * sizeof(Slot));
    if (::pread(series->fd, slots.data(), static_cast<std::size_t>(bytes), offset_of(tier, 0)) !=
        bytes)
        return std::nullopt;
    const std::int64_t last = now_s / found->step;
    HistoryRange result{.start = (last - found->slots + 1) * found->step, .step = found->step};
    for (std::int64_t period = last - found->slots + 1; period <= last; ++period) {
        const Slot& slot = slots[static_cast<std::size_t>(period % found->slots)];
        const bool known = slot.count > 0 && slot.period == static_cast<std::uint32_t>(period);
        for (std::size_t i = 0; i < history_values; ++i)
            result.values[i].push_back(known ? std::optional(slot.means[i]) : std::nullopt);
    }
    return result;
}

}  // namespace poise::admin
