// The table of a floating address, and its short form: "10.0.0.100/24 dev eth0".
#include "config/bind.hpp"
#include "config/schema_parts.hpp"
#include "config/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace poise::config {

namespace {

constexpr std::size_t interface_name_max = 15;  // the kernel's IFNAMSIZ, without its end
constexpr std::string_view short_form = "such as 10.0.0.100/24 dev eth0";

std::optional<Problem> check_interface(std::string_view text) {
    const bool good = !text.empty() && text.size() <= interface_name_max && text != "." &&
                      text != ".." && std::ranges::none_of(text, [](unsigned char c) {
                          return c == '/' || c == ':' || std::isspace(c) != 0 || c < 0x20;
                      });
    if (good) return std::nullopt;
    return Problem{fmt::format("must be the name of a network interface, at most {} characters, "
                               "found {}",
                               interface_name_max, quote(text)),
                   "such as eth0; `ip link` shows those of this machine"};
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (true) {
        const auto begin = text.find_first_not_of(" \t");
        if (begin == std::string_view::npos) return words;
        text.remove_prefix(begin);
        const auto end = std::min(text.find_first_of(" \t"), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

// "10.0.0.100/24" into `into`.
std::optional<Problem> parse_with_prefix(std::string_view text, FloatingAddress& into) {
    const auto slash = text.find('/');
    const auto address = parse_ip(text.substr(0, slash));
    if (!address) {
        return Problem{fmt::format("must be an address and the length of its network's prefix, "
                                   "found {}",
                                   quote(text)),
                       std::string(short_form)};
    }
    const int bits_max = text.find(':') == std::string_view::npos ? 32 : 128;
    if (slash == std::string_view::npos) {
        return Problem{
            fmt::format("needs the length of its network's prefix, found {}", quote(text)),
            fmt::format("write {0}/{1} if the network is that large, {0}/{2} for the "
                        "address alone",
                        text, bits_max == 32 ? 24 : 64, bits_max)};
    }
    const auto bits = parse_integer(text.substr(slash + 1));
    if (!bits || *bits < 1 || *bits > bits_max) {
        return Problem{fmt::format("has the prefix length {}, which must be 1 to {}",
                                   quote(text.substr(slash + 1)), bits_max),
                       std::string(short_form)};
    }
    into.address = *address;
    into.prefix_length = static_cast<int>(*bits);
    return std::nullopt;
}

std::optional<Problem> parse_floating(std::string_view text, FloatingAddress& into) {
    const auto words = words_of(text);
    if (words.size() != 1 && (words.size() != 3 || words[1] != "dev")) {
        return Problem{fmt::format("must be an address, or an address and its interface, found {}",
                                   quote(text)),
                       std::string(short_form)};
    }
    if (auto problem = parse_with_prefix(words[0], into)) return problem;
    if (words.size() == 1) return std::nullopt;
    if (auto problem = check_interface(words[2])) return problem;
    into.interface = words[2];
    return std::nullopt;
}

Key address_key() {
    Key key = bind::row("address", Type::text,
                        "The address and the length of its network's prefix; with ` dev eth0` "
                        "behind it the interface, too.");
    key.form = "address/length, or address/length dev interface";
    key.required = true;
    key.parse = [](void* target, std::string_view, std::string_view text) {
        return parse_floating(text, bind::at<FloatingAddress>(target));
    };
    key.print = [](const void* target) -> std::vector<std::string> {
        const auto& value = bind::at<FloatingAddress>(target);
        return {fmt::format("{}/{}", ip_to_string(value.address), value.prefix_length)};
    };
    return key;
}

}  // namespace

Mapping floating_ip_mapping() {
    return {"floating_ip",
            "An address that the active node of a pair holds. `10.0.0.100/24 dev eth0` is short "
            "for `{address: 10.0.0.100/24, interface: eth0}`.",
            {address_key(), bind::text("interface", &FloatingAddress::interface, check_interface,
                                       "The network interface that carries it, on both nodes.")},
            "address"};
}

}  // namespace poise::config
