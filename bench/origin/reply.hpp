// What to answer: a request becomes a plan that the connection carries out piece by piece.
#pragma once

#include "bench/origin/body.hpp"
#include "bench/origin/request.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace poise::origin {

enum class Shape { text, pattern, chunked };

struct Reply {
    int status = 200;
    Shape shape = Shape::text;
    std::string text;                        // Shape::text: the body
    std::string fields;                      // more header lines, each ended by CRLF
    std::string interim;                     // whole 1xx heads to send first
    std::uint64_t bytes = 0;                 // pattern, chunked: length of the body
    std::uint64_t piece_bytes = 16 * 1024;   // a chunk, or a paced piece
    std::chrono::milliseconds pause{0};      // between two pieces
    std::chrono::milliseconds delay{0};      // before the head
    std::optional<std::uint64_t> cut_after;  // body bytes after which the connection ends early
    bool reset = false;                      // the early end is an RST, else a FIN
    bool never = false;                      // no answer
    bool upgrade = false;                    // 101, then an echo of bytes
    bool trailers = false;
};

/// Counters of the whole process, for /stats.
struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t connections = 0;
    std::uint64_t open = 0;
};

/// The plan for `request`, whose body (if any) went through `body`.
Reply plan_reply(const Request& request, const BodyReader& body, const std::string& name,
                 const Counters& counters);

/// Status line and header fields of a plan.
std::string reply_head(const Reply& reply, const std::string& name, bool keep_alive);

/// `size` pattern bytes from body offset `at`; at most `pattern_bytes_max` at once. The byte at an
/// offset is known ('a' + offset % 65521 % 26), so that a receiver can check every byte.
std::string_view pattern(std::uint64_t at, std::uint64_t size);
constexpr std::size_t pattern_period = 65521;  // a prime: a lost 64 KiB block shows
constexpr std::size_t pattern_bytes_max = 256 * 1024;

}  // namespace poise::origin
