// The floating addresses in the kernel, as leases: who holds them renews them, and those of a
// process that died or froze go away by themselves.
#pragma once

#include "config/model.hpp"
#include "ha/netlink.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace poise::ha {

/// Why one address is not as it should be, in the operator's words and with what to do about it.
struct AddressProblem {
    config::FloatingAddress address;
    std::string message;
    std::string hint;
};

/// What one call has done. Problems do not keep the other addresses from what was asked.
struct AddressOutcome {
    bool acted = false;    // the kernel was asked: false while there was nothing to do yet
    bool changed = false;  // hold(): some were missing, announce all; release(): some were there
    std::vector<AddressProblem> problems;
};

/// "10.0.0.100/24 dev eth0"
std::string to_string(const config::FloatingAddress& address);

constexpr std::size_t floating_addresses_max = 128;  // they move in one call to the kernel

/// Level-triggered: call hold() or release() at each tick, whichever should be true now. The same
/// call again is cheap until it is time to renew or to look again; the other one acts at once.
/// Belongs to one thread, whose network namespace it is for. Needs CAP_NET_ADMIN.
///
/// The addresses get IFA_F_NODAD, for the other node has just had them, and preferred lifetime 0,
/// so that no connection from this node starts at them. They bring a route to their network
/// unless the interface has another address in it, whose route is then left alone.
class FloatingAddresses {
public:
    using Clock = std::chrono::steady_clock;

    static std::expected<FloatingAddresses, std::error_code> open(
        std::vector<config::FloatingAddress> addresses);

    /// Adds what is missing and renews the rest, all in one call to the kernel, four times a
    /// `lease`. The kernel removes them when nothing has renewed them for `lease` (whole seconds,
    /// at least 1) and up to a second more. What was removed by others is back with the next
    /// renewal.
    AddressOutcome hold(std::chrono::seconds lease, Clock::time_point now);

    /// Removes all, in one call: also those that a killed process has left, and those that
    /// somebody made permanent. Looks again twice a second.
    AddressOutcome release(Clock::time_point now);

    /// Acts at the next call, whatever was done before: after a freeze, a change of the
    /// interfaces, or when a guardian has taken the addresses away.
    void forget();

    /// From now on these. Those of before that are no more named are removed at once; if the
    /// addresses are held, the others are held on and new ones added.
    AddressOutcome change(std::vector<config::FloatingAddress> addresses, Clock::time_point now);

    /// Those of them that the kernel has now, whoever put them there.
    std::expected<std::vector<config::FloatingAddress>, std::error_code> present();

    const std::vector<config::FloatingAddress>& addresses() const { return addresses_; }

private:
    enum class Aim : std::uint8_t { unknown, held, released };

    FloatingAddresses(NetlinkSocket socket, std::vector<config::FloatingAddress> addresses)
        : socket_(std::move(socket)), addresses_(std::move(addresses)) {}

    bool is_due(Aim aim, Clock::time_point now) const;
    AddressOutcome remove(const std::vector<config::FloatingAddress>& which);

    NetlinkSocket socket_;
    std::vector<config::FloatingAddress> addresses_;
    Aim aim_ = Aim::unknown;
    std::chrono::seconds lease_{1};  // of the last hold()
    Clock::time_point next_{};
};

/// What speaks against `address` on this machine as it is now: a missing interface. Nothing is
/// changed.
std::optional<AddressProblem> address_problem(const config::FloatingAddress& address);

}  // namespace poise::ha
