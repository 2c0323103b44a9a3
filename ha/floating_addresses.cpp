#include "ha/floating_addresses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <iterator>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <span>
#include <sys/socket.h>

namespace poise::ha {

namespace {

using config::FloatingAddress;
using std::chrono::milliseconds;

// While released: how soon an address that somebody else has put there is found.
constexpr milliseconds look_again{500};
constexpr int renewals_a_lease = 4;

std::span<const std::byte> ip_bytes(const Address& address) {
    const auto all = std::as_bytes(std::span(address.ip));
    return address.is_v4() ? all.subspan(12) : all;
}

std::uint8_t family(const FloatingAddress& address) {
    return address.address.is_v4() ? AF_INET : AF_INET6;
}

ifaddrmsg header_of(const FloatingAddress& address, unsigned interface) {
    ifaddrmsg header{};
    header.ifa_family = family(address);
    header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix_length);
    header.ifa_scope = RT_SCOPE_UNIVERSE;
    header.ifa_index = interface;
    return header;
}

// An address that the kernel has.
struct Found {
    FloatingAddress address;  // without the interface's name
    unsigned interface = 0;
};

std::optional<Found> found_in(const NetlinkMessage& message) {
    const auto header = message.header<ifaddrmsg>();
    auto bytes = message.attribute(sizeof header, IFA_LOCAL);
    if (bytes.empty()) bytes = message.attribute(sizeof header, IFA_ADDRESS);
    const std::size_t expected = header.ifa_family == AF_INET ? 4 : 16;
    if (message.type() != RTM_NEWADDR || bytes.size() != expected) return std::nullopt;
    Found found{.interface = header.ifa_index};
    auto& ip = found.address.address.ip;
    if (expected == 4) ip[10] = ip[11] = 0xff;
    std::memcpy(ip.data() + ip.size() - expected, bytes.data(), expected);
    found.address.prefix_length = header.ifa_prefixlen;
    return found;
}

std::expected<std::vector<Found>, std::error_code> list_addresses(NetlinkSocket& socket) {
    NetlinkBatch question;
    question.begin(RTM_GETADDR, NLM_F_DUMP);
    question.header(ifaddrmsg{});
    std::vector<Found> all;
    const auto error = socket.list(question, [&](const NetlinkMessage& message) {
        if (auto found = found_in(message)) all.push_back(std::move(*found));
    });
    if (error) return std::unexpected(error);
    return all;
}

bool same(const Found& found, const FloatingAddress& address, unsigned interface) {
    return found.interface == interface && found.address.address == address.address &&
           (address.address.is_v4() || found.address.prefix_length == address.prefix_length);
}

// Is there another address in its network, which is no floating one, with a route of its own?
bool has_neighbour(const std::vector<Found>& all, const FloatingAddress& address,
                   unsigned interface, const std::vector<FloatingAddress>& floating) {
    const int bits = address.prefix_length + (address.address.is_v4() ? 96 : 0);
    return std::ranges::any_of(all, [&](const Found& found) {
        return found.interface == interface &&
               found.address.prefix_length == address.prefix_length &&
               found.address.address.is_v4() == address.address.is_v4() &&
               masked(found.address.address, bits) == masked(address.address, bits) &&
               std::ranges::none_of(floating, [&](const FloatingAddress& each) {
                   return each.address == found.address.address;
               });
    });
}

AddressProblem no_interface(const FloatingAddress& address) {
    return {address,
            fmt::format("floating address {}: there is no such interface", to_string(address)),
            "`ip link` shows those of this machine"};
}

AddressProblem problem_of(const FloatingAddress& address, std::string_view verb, int error) {
    std::string hint;
    if (error == EPERM)
        hint =
            "Poise needs CAP_NET_ADMIN: run it as root, or give the unit "
            "AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW";
    else if (family(address) == AF_INET6 && (error == EACCES || error == EOPNOTSUPP))
        hint = "IPv6 is off on it: see the sysctl net.ipv6.conf.*.disable_ipv6";
    else if (error == ENODEV)
        return no_interface(address);
    return {address,
            fmt::format("floating address {}: cannot {} it: {}", to_string(address), verb,
                        std::error_code(error, std::generic_category()).message()),
            std::move(hint)};
}

AddressProblem problem_of(const FloatingAddress& address, std::string_view verb,
                          const std::error_code& error) {
    return problem_of(address, verb, error.value());
}

void append_hold(NetlinkBatch& batch, const FloatingAddress& address, unsigned interface,
                 std::chrono::seconds lease, bool with_route) {
    auto header = header_of(address, interface);
    const std::uint32_t flags = IFA_F_NODAD | (with_route ? 0U : IFA_F_NOPREFIXROUTE);
    ifa_cacheinfo lifetime{};
    lifetime.ifa_prefered = 0;
    lifetime.ifa_valid = static_cast<std::uint32_t>(lease.count());
    header.ifa_flags = IFA_F_NODAD;
    batch.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
    batch.header(header);
    batch.attribute(IFA_LOCAL, ip_bytes(address.address));
    batch.attribute(IFA_ADDRESS, ip_bytes(address.address));
    batch.attribute(IFA_FLAGS, flags);
    batch.attribute(IFA_CACHEINFO, lifetime);
}

}  // namespace

std::string to_string(const FloatingAddress& address) {
    return fmt::format("{}/{} dev {}", ip_to_string(address.address), address.prefix_length,
                       address.interface);
}

std::expected<FloatingAddresses, std::error_code> FloatingAddresses::open(
    std::vector<FloatingAddress> addresses) {
    auto socket = NetlinkSocket::open();
    if (!socket) return std::unexpected(socket.error());
    return FloatingAddresses(std::move(*socket), std::move(addresses));
}

bool FloatingAddresses::is_due(Aim aim, Clock::time_point now) const {
    return aim_ != aim || now >= next_;
}

AddressOutcome FloatingAddresses::hold(std::chrono::seconds lease, Clock::time_point now) {
    assert(lease >= std::chrono::seconds{1});
    AddressOutcome outcome;
    if (!is_due(Aim::held, now)) return outcome;
    outcome.acted = true;
    aim_ = Aim::held;
    lease_ = lease;
    next_ = now + milliseconds(lease) / renewals_a_lease;
    const auto all = list_addresses(socket_);
    NetlinkBatch batch;
    std::vector<const FloatingAddress*> asked;
    for (const FloatingAddress& each : addresses_) {
        const unsigned interface = interface_index(each.interface);
        if (!all || interface == 0) {
            outcome.problems.push_back(all ? no_interface(each)
                                           : problem_of(each, "look for", all.error()));
            continue;
        }
        outcome.changed |= std::ranges::none_of(
            *all, [&](const Found& found) { return same(found, each, interface); });
        append_hold(batch, each, interface, lease,
                    !has_neighbour(*all, each, interface, addresses_));
        asked.push_back(&each);
    }
    const auto results = socket_.carry_out(batch);
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (!results)
            outcome.problems.push_back(problem_of(*asked[i], "add", results.error()));
        else if ((*results)[i] != 0)
            outcome.problems.push_back(problem_of(*asked[i], "add", (*results)[i]));
    }
    return outcome;
}

AddressOutcome FloatingAddresses::remove(const std::vector<FloatingAddress>& which) {
    AddressOutcome outcome;
    outcome.acted = true;
    NetlinkBatch batch;
    std::vector<const FloatingAddress*> asked;
    for (const FloatingAddress& each : which) {
        const unsigned interface = interface_index(each.interface);
        if (interface == 0) continue;  // it is not there, as it should be
        batch.begin(RTM_DELADDR, 0);
        batch.header(header_of(each, interface));
        batch.attribute(IFA_LOCAL, ip_bytes(each.address));
        asked.push_back(&each);
    }
    const auto results = socket_.carry_out(batch);
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const int error = results ? (*results)[i] : results.error().value();
        if (error == 0) outcome.changed = true;
        if (error != 0 && error != EADDRNOTAVAIL && error != ENODEV)
            outcome.problems.push_back(problem_of(*asked[i], "remove", error));
    }
    return outcome;
}

AddressOutcome FloatingAddresses::release(Clock::time_point now) {
    if (!is_due(Aim::released, now)) return {};
    aim_ = Aim::released;
    next_ = now + look_again;
    return remove(addresses_);
}

void FloatingAddresses::forget() {
    aim_ = Aim::unknown;
}

AddressOutcome FloatingAddresses::change(std::vector<FloatingAddress> addresses,
                                         Clock::time_point now) {
    std::vector<FloatingAddress> gone;
    for (const FloatingAddress& each : addresses_)
        if (std::ranges::find(addresses, each) == addresses.end()) gone.push_back(each);
    addresses_ = std::move(addresses);
    const bool held = aim_ == Aim::held;
    forget();
    AddressOutcome outcome = gone.empty() ? AddressOutcome{} : remove(gone);
    if (!held) return outcome;
    // With the first IPv4 address of a network the kernel removes the others of it.
    AddressOutcome again = hold(lease_, now);
    std::ranges::move(again.problems, std::back_inserter(outcome.problems));
    outcome.changed |= again.changed;
    return outcome;
}

std::expected<std::vector<FloatingAddress>, std::error_code> FloatingAddresses::present() {
    const auto all = list_addresses(socket_);
    if (!all) return std::unexpected(all.error());
    std::vector<FloatingAddress> there;
    for (const FloatingAddress& each : addresses_) {
        const unsigned interface = interface_index(each.interface);
        if (std::ranges::any_of(*all, [&](const Found& f) { return same(f, each, interface); }))
            there.push_back(each);
    }
    return there;
}

std::optional<AddressProblem> address_problem(const FloatingAddress& address) {
    if (interface_index(address.interface) == 0) return no_interface(address);
    return std::nullopt;
}

}  // namespace poise::ha
