// The keys that seal session tickets, with which clients resume without a full handshake.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace poise::tls {

struct TicketKey {
    std::array<std::uint8_t, 16> name;    // which key it was, in the clear (RFC 5077 section 4)
    std::array<std::uint8_t, 32> cipher;  // AES-256-CBC
    std::array<std::uint8_t, 32> mac;     // HMAC-SHA-256

    bool operator==(const TicketKey&) const = default;
};

/// The newest key seals; older ones still open, until they are dropped. Who has them can read
/// recorded TLS 1.2 sessions that were resumed, so they live in memory alone and not long. Any
/// thread.
class TicketKeys {
public:
    using Keys = std::vector<TicketKey>;  // newest first; never empty
    static constexpr std::size_t kept = 3;

    /// With one random key. Throws std::runtime_error when the system has no randomness.
    TicketKeys();

    std::shared_ptr<const Keys> get() const { return keys_.load(); }

    /// A new random key seals from now on. Tickets live for two to three rotations.
    void rotate();

    /// What the other node of a pair seals with: its tickets are then good here, and ours there.
    /// At most `kept` of them are used.
    void adopt(Keys keys);

private:
    std::atomic<std::shared_ptr<const Keys>> keys_;
};

}  // namespace poise::tls
