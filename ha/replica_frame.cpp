#include "ha/replica_frame.hpp"

#include "ha/bytes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <limits>

namespace poise::ha {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t head_bytes = 5;
constexpr std::size_t service_bytes_max = 255;

}  // namespace

void append_frame(std::vector<std::uint8_t>& out, FrameKind kind,
                  std::span<const std::uint8_t> content) {
    assert(content.size() < frame_bytes_max);
    ByteWriter head;
    head.u32(static_cast<std::uint32_t>(content.size() + 1));
    head.u8(static_cast<std::uint8_t>(kind));
    const std::vector<std::uint8_t> bytes = head.take();
    out.insert(out.end(), bytes.begin(), bytes.end());
    out.insert(out.end(), content.begin(), content.end());
}

void FrameReader::feed(std::span<const std::uint8_t> bytes) {
    if (at_ == bytes_.size() || at_ > (std::size_t{1} << 20)) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(at_));
        at_ = 0;
    }
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::expected<std::optional<Frame>, std::string> FrameReader::next() {
    const auto left = std::span(bytes_).subspan(at_);
    if (left.size() < head_bytes) return std::nullopt;
    const std::size_t size = ByteReader(left).u32();
    if (size == 0 || size > frame_bytes_max)
        return std::unexpected(fmt::format("a frame of {} bytes", size));
    if (left.size() < size + 4) return std::nullopt;
    at_ += size + 4;
    const auto content = left.subspan(head_bytes, size - 1);
    return Frame{static_cast<FrameKind>(left[4]), {content.begin(), content.end()}};
}

std::vector<std::uint8_t> to_bytes(const StandingFrame& frame) {
    ByteWriter out;
    out.u16(frame.version);
    out.raw(frame.standing.hash);
    out.raw(frame.standing.common);
    out.u64(frame.standing.version);
    out.u8(frame.standing.unfinished ? 1 : 0);
    return out.take();
}

std::optional<StandingFrame> standing_from_bytes(std::span<const std::uint8_t> bytes) {
    ByteReader in(bytes);
    StandingFrame frame;
    frame.version = in.u16();
    frame.standing.hash = in.raw<32>();
    frame.standing.common = in.raw<32>();
    frame.standing.version = in.u64();
    frame.standing.unfinished = in.u8() != 0;
    if (!in.good() || frame.version == 0) return std::nullopt;
    return frame;
}

std::vector<std::uint8_t> to_bytes(const Settings& settings) {
    ByteWriter out;
    out.blob(settings.text);
    out.u32(static_cast<std::uint32_t>(settings.files.size()));
    for (const SettingsFile& file : settings.files) {
        out.blob(file.path);
        out.u16(file.mode);
        out.blob(file.bytes);
    }
    return out.take();
}

std::optional<Settings> settings_from_bytes(std::span<const std::uint8_t> bytes) {
    ByteReader in(bytes);
    Settings settings;
    settings.text = in.blob();
    const std::uint32_t count = in.u32();
    if (!in.good() || count > settings_files_max) return std::nullopt;
    for (std::uint32_t i = 0; i < count && in.good(); ++i) {
        SettingsFile file;
        file.path = in.blob();
        file.mode = in.u16() & 0777;
        file.bytes = in.blob();
        if (!is_inner_path(file.path)) return std::nullopt;
        settings.files.push_back(std::move(file));
    }
    if (!in.good() || bytes_of(settings) > settings_bytes_max) return std::nullopt;
    return settings;
}

std::vector<std::uint8_t> to_bytes(const EntriesFrame& frame,
                                   std::chrono::steady_clock::time_point now) {
    assert(frame.entries.size() <= entries_per_frame);
    ByteWriter out;
    out.text(frame.service, service_bytes_max);
    out.u16(static_cast<std::uint16_t>(frame.entries.size()));
    for (const auto& entry : frame.entries) {
        const auto age = std::chrono::duration_cast<milliseconds>(now - entry.last_used).count();
        out.u64(entry.key.high);
        out.u64(entry.key.low);
        out.u64(entry.server);
        out.u32(static_cast<std::uint32_t>(
            std::clamp<std::int64_t>(age, 0, std::numeric_limits<std::uint32_t>::max())));
    }
    return out.take();
}

std::optional<EntriesFrame> entries_from_bytes(std::span<const std::uint8_t> bytes,
                                               std::chrono::steady_clock::time_point now) {
    ByteReader in(bytes);
    EntriesFrame frame;
    frame.service = in.text(service_bytes_max);
    const std::size_t count = in.u16();
    if (!in.good() || count > entries_per_frame) return std::nullopt;
    frame.entries.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        persistence::Table::Entry entry;
        entry.key.high = in.u64();
        entry.key.low = in.u64();
        entry.server = in.u64();
        entry.last_used = now - milliseconds(in.u32());
        if (!in.good() || entry.server == 0) return std::nullopt;
        frame.entries.push_back(entry);
    }
    return frame;
}

std::vector<std::uint8_t> to_bytes(const MarkFrame& frame) {
    ByteWriter out;
    out.u64(frame.number);
    out.u8(frame.all ? 1 : 0);
    return out.take();
}

std::optional<MarkFrame> mark_from_bytes(std::span<const std::uint8_t> bytes) {
    ByteReader in(bytes);
    MarkFrame frame;
    frame.number = in.u64();
    frame.all = in.u8() != 0;
    if (!in.good()) return std::nullopt;
    return frame;
}

}  // namespace poise::ha
