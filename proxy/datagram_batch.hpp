// Datagrams of one turn of a worker: received and sent many at a call, without a copy in between.
#pragma once

#include "proxy/udp_socket.hpp"
#include "proxy/udp_table.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>

namespace poise::proxy {

/// How many datagrams a call has moved, and why no more.
struct BatchResult {
    unsigned count = 0;
    int error = 0;  // errno; 0: all that was asked for, or all that there was
};

/// How many datagrams to make ready for: each slot costs, so only after a full call more.
class Burst {
public:
    unsigned most() const { return most_; }
    void note(unsigned got) {
        if (got == most_ && most_ < most_max)
            most_ = static_cast<std::uint8_t>(most_ * 2);
        else if (got * 4 <= most_ && most_ > most_min)
            most_ = static_cast<std::uint8_t>(most_ / 2);
    }

private:
    static constexpr std::uint8_t most_min = 2, most_max = 32;
    std::uint8_t most_ = most_min;
};

/// Room for `capacity` datagrams of any size, shared by all listeners of a worker: it holds
/// nothing from one turn to the next. Memory is touched only where datagrams have been.
class DatagramBatch {
public:
    static constexpr unsigned capacity = 32;
    static constexpr std::size_t bytes_max = 65'536;  // no UDP payload is longer than 65 527

    DatagramBatch();

    /// Fills the slots from the first on with what clients have sent, up to `most`.
    BatchResult receive_from_clients(const UdpDoor& door, unsigned most);
    /// Who sent the datagram in `slot`, and where to.
    UdpKey sender(unsigned slot, const UdpDoor& door) const;
    std::size_t bytes(unsigned slot) const { return headers_[slot].msg_len; }
    /// Sends `count` datagrams from slot `first` on over the connected socket `fd`.
    BatchResult send_to_server(int fd, unsigned first, unsigned count);

    /// Replies are gathered behind those that are there, and leave together.
    void clear() { used_ = 0; }
    unsigned used() const { return used_; }
    unsigned room() const { return capacity - used_; }
    /// Receives up to `most` (no more than room()) datagrams into the slots from used() on, which
    /// do not count as used before add_replies().
    BatchResult receive_from_server(int fd, unsigned most);
    /// The next `count` slots are for the client of `key`.
    void add_replies(unsigned count, const UdpKey& key, const UdpDoor& door);
    /// Sends the replies from the one in slot `first` on.
    BatchResult send_to_clients(const UdpDoor& door, unsigned first);

private:
    // A name and the one control message that is in use, of either family.
    struct Envelope {
        union {
            sockaddr_in v4;
            sockaddr_in6 v6;
        } name;
        alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(in6_pktinfo))> control;
    };

    // Slots do not start at the same place of a page, so that they do not share cache sets.
    static constexpr std::size_t stride = bytes_max + 128;

    void prepare_plain(unsigned first, unsigned count, bool for_receiving);
    void address_to(unsigned slot, const UdpKey& key, const UdpDoor& door);

    std::unique_ptr<std::byte[]> memory_;
    std::array<mmsghdr, capacity> headers_{};
    std::array<iovec, capacity> pieces_{};
    std::array<Envelope, capacity> envelopes_{};
    unsigned used_ = 0;
};

}  // namespace poise::proxy
