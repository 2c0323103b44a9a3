// Checks what the floating addresses say against each other, and whether each can be one.
#include "config/validate.hpp"

#include <fmt/format.h>

#include <map>

namespace poise::config {

namespace {

// They move in one call to the kernel, within milliseconds (ha/floating_addresses.hpp).
constexpr std::size_t floating_ips_max = 128;

// Which of the addresses of its network nobody can have; empty: it may be one.
std::string_view reserved(const FloatingAddress& floating) {
    const Address& address = floating.address;
    if (address.is_any()) return "stands for all addresses";
    if (address.is_loopback()) return "never leaves a machine";
    if (address.is_v4() ? (address.ip[12] & 0xf0) == 0xe0 : address.ip[0] == 0xff)
        return "is a multicast address";
    if (!address.is_v4() || floating.prefix_length > 30) return {};
    const Address network = masked(address, floating.prefix_length + 96);
    bool ones = true;
    for (int bit = floating.prefix_length; bit < 32; ++bit)
        ones &= (address.ip[12 + static_cast<std::size_t>(bit / 8)] & (0x80 >> bit % 8)) != 0;
    if (address.ip == network.ip) return "is the name of its network";
    return ones ? "is the broadcast address of its network" : std::string_view{};
}

}  // namespace

void validate_floating_ips(const std::vector<FloatingAddress>& all, const Checks& checks) {
    if (all.size() > floating_ips_max) {
        checks.error("floating_ips",
                     fmt::format("more than {} floating addresses", floating_ips_max));
        return;
    }
    std::map<Address, std::string> seen;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto at = fmt::format("floating_ips/{}", i);
        if (checks.places.broken(at)) continue;
        const auto text = ip_to_string(all[i].address);
        if (all[i].interface.empty())
            checks.error(at, fmt::format("floating address {} has no interface", text),
                         fmt::format("write {}/{} dev eth0, or the interface that is meant", text,
                                     all[i].prefix_length));
        if (const auto why = reserved(all[i]); !why.empty())
            checks.error(at, fmt::format("{}/{} cannot be a floating address: it {}", text,
                                         all[i].prefix_length, why));
        const auto [first, fresh] = seen.emplace(all[i].address, at);
        if (!fresh)
            checks.error(
                at, fmt::format("the floating address {} is there twice", text),
                fmt::format("line {} has it already", checks.places.at(first->second).line));
    }
}

}  // namespace poise::config
