// What a peer may make an HTTP/2 connection work for nothing: the guard against floods.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace poise::proxy {

/// A frame's first nine bytes (RFC 9113 section 4.1).
struct Http2Frame {
    enum Type : std::uint8_t {
        data,
        headers,
        priority,
        rst_stream,
        settings,
        push_promise,
        ping,
        goaway,
        window_update,
        continuation
    };
    std::uint32_t length = 0;
    std::uint8_t type = 0;
    std::uint8_t flags = 0;
    std::uint32_t stream = 0;
    std::uint32_t depends_on = 0;  // of a PRIORITY frame

    /// PRIORITY is looked at no more than this: a stream cannot depend on itself.
    bool is_absurd() const { return type == priority && (stream == 0 || depends_on == stream); }
    bool ends_stream() const { return (flags & 0x1) != 0 && (type == data || type == headers); }
    bool ends_headers() const { return (flags & 0x4) != 0; }
};

/// Finds the frames in the bytes of a connection, whatever pieces they come in. Behind the
/// client's preface, whose 24 bytes it skips when told so.
class Http2Frames {
public:
    explicit Http2Frames(std::size_t preface_bytes) : skip_(preface_bytes) {}

    /// Uses up bytes from the start of `bytes` until a frame's head is whole; nothing: all used.
    std::optional<Http2Frame> next(std::string_view& bytes);

    /// A header block has begun and its last frame has not.
    bool within_headers() const { return within_headers_; }

private:
    std::uint64_t skip_;
    std::array<unsigned char, 13> head_{};  // with the first word of a PRIORITY frame
    std::size_t head_bytes_ = 0;
    bool within_headers_ = false;
};

/// A purse that time and useful work fill and cheap frames empty. What a frame costs grows with
/// the work that it makes and shrinks with the reasons that good peers have to send it.
class Http2Budget {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    static constexpr int most = 4'000;
    static constexpr int earned_a_second = 200;
    static constexpr int reset_cost = 20;      // by either side: 200 at once, then 10 a second
    static constexpr int setting_cost = 20;    // each change is a table or all windows anew
    static constexpr int overlong_cost = 100;  // a head over the limits
    static constexpr int request_pay = 10;     // a request served to its end
    static constexpr std::uint64_t bytes_a_pay = 4'096;  // of body sent: pays for one WINDOW_UPDATE
    /// Frames that one header block may have, and how many bytes beyond the limit of heads.
    static constexpr int continuations_max = 16;

    explicit Http2Budget(TimePoint now) : filled_(now) {}

    /// Takes what `frame` costs. False: the purse is empty, or a header block is too long for
    /// `header_bytes_max`.
    bool pay(const Http2Frame& frame, std::size_t header_bytes_max, TimePoint now);
    bool pay(int cost, TimePoint now);

    void served() { earn(request_pay); }
    void sent(std::uint64_t body_bytes);

    int left() const { return left_; }

private:
    void earn(int pay);

    int left_ = most;
    TimePoint filled_;
    std::uint64_t unpaid_bytes_ = 0;
    std::uint64_t block_bytes_ = 0;  // of the header block that is coming in
    int continuations_ = 0;
};

}  // namespace poise::proxy
