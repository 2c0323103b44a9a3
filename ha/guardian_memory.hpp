// What the main process and its guardian share: a page of memory that outlives either of them.
#pragma once

#include "ha/floating_addresses.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace poise::ha {

/// A value that one process writes and another reads, with no lock that a death could leave held.
/// The writer fills the slot that nobody reads, then names it. A writer that dies in the middle
/// leaves the former value whole.
template <typename T>
class Published {
public:
    /// One writer.
    void write(const T& value) {
        const std::uint64_t next = version_.load(std::memory_order_relaxed) + 1;
        // What a reader of the slot's last value still copies is seen to be stale by `read`.
        slots_[next % slots_.size()] = value;
        version_.store(next, std::memory_order_seq_cst);
    }

    /// Nothing was written yet, or the writer was faster at each of a few tries: it lives.
    std::optional<T> read() const {
        for (int tries = 0; tries < 3; ++tries) {
            const std::uint64_t before = version_.load(std::memory_order_seq_cst);
            if (before == 0) return std::nullopt;
            const T value = slots_[before % slots_.size()];
            std::atomic_thread_fence(std::memory_order_seq_cst);
            if (version_.load(std::memory_order_seq_cst) == before) return value;
        }
        return std::nullopt;
    }

private:
    std::atomic<std::uint64_t> version_{0};
    std::array<T, 2> slots_{};
};

constexpr std::size_t farewells_max = 8;
constexpr std::size_t farewell_bytes_max = 1'472;  // a datagram that no Ethernet has to cut
constexpr std::size_t interface_name_max = 15;

/// A sealed datagram and its way.
struct StoredFarewell {
    std::array<std::uint8_t, 16> from_ip{}, to_ip{};
    std::uint16_t to_port = 0;
    std::uint16_t bytes = 0;
    std::array<std::byte, farewell_bytes_max> datagram{};
};

struct StoredFarewells {
    std::uint32_t count = 0;
    std::array<StoredFarewell, farewells_max> all{};
};

struct StoredAddress {
    std::array<std::uint8_t, 16> ip{};
    std::uint8_t prefix_length = 0;
    std::array<char, interface_name_max + 1> interface{};
};

struct StoredAddresses {
    std::uint32_t count = 0;
    std::array<StoredAddress, floating_addresses_max> all{};
};

/// How far a guardian has gone against a main process that stands still.
enum class Taking : std::uint32_t {
    none,
    begun,  // the main process must not touch the addresses: they are being removed
    done    // it may, once it knows that the other node has not taken over
};

struct GuardianMemory {
    std::atomic<std::uint64_t> progress{0};  // main: one more each tick; 0: not yet at work
    std::atomic<std::uint64_t> looks{0};     // guardian: one more each look
    std::atomic<Taking> taking{Taking::none};
    std::atomic<std::uint32_t> stall_limit_ms{0};
    Published<StoredAddresses> addresses;
    Published<StoredFarewells> farewells;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<Taking>::is_always_lock_free);

}  // namespace poise::ha
