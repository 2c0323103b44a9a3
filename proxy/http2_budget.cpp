#include "proxy/http2_budget.hpp"

#include <algorithm>

namespace poise::proxy {

namespace {

// Huffman coding and indexes make a block smaller than its fields, so what is larger than they
// may be is no good block.
constexpr std::uint64_t block_overhead = 16'384;
constexpr std::uint32_t ack_flag = 0x1;
constexpr std::size_t frame_head_bytes = 9;
constexpr std::uint32_t priority_bytes = 5;
constexpr std::uint32_t stream_bits = 0x7fff'ffff;

std::uint32_t number(const unsigned char* bytes, std::size_t n) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < n; ++i)
        value = value << 8 | bytes[i];
    return value;
}

int cost_of(const Http2Frame& frame) {
    switch (frame.type) {
        case Http2Frame::data:
            return frame.length == 0 && !frame.ends_stream() ? 4 : 0;
        case Http2Frame::headers:
            return 0;  // requests are bounded by the streams' number, and pay by being reset
        case Http2Frame::settings:
            return (frame.flags & ack_flag) != 0 ? 1 : Http2Budget::setting_cost;
        case Http2Frame::ping:
            return (frame.flags & ack_flag) != 0 ? 1 : 2;
        case Http2Frame::continuation:
            return frame.length == 0 ? Http2Budget::setting_cost : 1;
        case Http2Frame::priority:
        case Http2Frame::window_update:
            return 1;
        case Http2Frame::rst_stream:
            return 1;  // more when it ends a request that was running
        default:
            return 2;
    }
}

}  // namespace

std::optional<Http2Frame> Http2Frames::next(std::string_view& bytes) {
    if (head_bytes_ == 0) {
        const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
        bytes.remove_prefix(skipped);
        skip_ -= skipped;
    }
    const auto take = [&](std::size_t until) {
        const std::size_t n = std::min(until - std::min(head_bytes_, until), bytes.size());
        std::copy_n(bytes.data(), n, head_.data() + head_bytes_);
        bytes.remove_prefix(n);
        head_bytes_ += n;
        return head_bytes_ >= until;
    };
    if (!take(frame_head_bytes)) return std::nullopt;
    Http2Frame frame;
    frame.length = number(head_.data(), 3);
    frame.type = head_[3];
    frame.flags = head_[4];
    frame.stream = number(head_.data() + 5, 4) & stream_bits;
    skip_ = frame.length;
    if (frame.type == Http2Frame::priority && frame.length == priority_bytes) {
        if (!take(head_.size())) return std::nullopt;
        frame.depends_on = number(head_.data() + frame_head_bytes, 4) & stream_bits;
        skip_ -= head_.size() - frame_head_bytes;
    }
    head_bytes_ = 0;
    if (frame.type == Http2Frame::headers || frame.type == Http2Frame::continuation)
        within_headers_ = !frame.ends_headers();
    return frame;
}

bool Http2Budget::pay(const Http2Frame& frame, std::size_t header_bytes_max, TimePoint now) {
    if (frame.type == Http2Frame::headers) {
        block_bytes_ = frame.length;
        continuations_ = 0;
    } else if (frame.type == Http2Frame::continuation) {
        block_bytes_ += frame.length;
        if (++continuations_ > continuations_max) return false;
        if (block_bytes_ > header_bytes_max + block_overhead) return false;
    }
    const int cost = cost_of(frame);
    return cost == 0 || pay(cost, now);
}

bool Http2Budget::pay(int cost, TimePoint now) {
    using std::chrono::milliseconds;
    const auto passed = std::chrono::duration_cast<milliseconds>(now - filled_);
    const auto earned = passed.count() * earned_a_second / 1'000;
    if (earned > 0) {
        earn(static_cast<int>(std::min<std::int64_t>(earned, most)));
        filled_ += milliseconds(earned * 1'000 / earned_a_second);
    }
    left_ -= cost;
    return left_ >= 0;
}

void Http2Budget::sent(std::uint64_t body_bytes) {
    unpaid_bytes_ += body_bytes;
    const auto pays = unpaid_bytes_ / bytes_a_pay;
    if (pays == 0) return;
    unpaid_bytes_ -= pays * bytes_a_pay;
    earn(static_cast<int>(std::min<std::uint64_t>(pays, most)));
}

void Http2Budget::earn(int pay) {
    left_ = std::min(left_ + pay, most);
}

}  // namespace poise::proxy
