// Names for requests, by which logs, error answers and `poise why` speak of the same one.
#pragma once

#include "proxy/head.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace poise::proxy {

/// 128 bits as 26 lower-case letters and digits (base 32, without i, l, o and u).
struct RequestId {
    std::array<char, 26> text{};

    std::string_view view() const { return {text.data(), text.size()}; }
    bool operator==(const RequestId&) const = default;
};

/// One a worker. Never gives the same id twice; two workers or nodes share one with a chance of
/// about n * n / 2^128. An id tells nothing about the ones before or after it to who does not
/// know the seed.
class RequestIds {
public:
    using Seed = std::array<std::uint64_t, 4>;

    explicit RequestIds(const Seed& seed);

    /// Seeded by the kernel.
    static RequestIds random();

    RequestId next();

private:
    std::uint64_t prefix_;
    std::uint64_t counter_;
    std::array<std::uint64_t, 2> keys_;
};

/// 1 to 128 characters, all of them letters, digits or one of "-._~+/=:@". So it can stand in a
/// log line and a header as it is.
bool usable_request_id(std::string_view text);

/// The X-Request-Id of a request when the peer is trusted and the id is usable; else empty, and
/// the caller makes one.
std::string_view incoming_request_id(const RequestHead& head, bool peer_trusted);

}  // namespace poise::proxy
