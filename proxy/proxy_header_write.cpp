// Writes the PROXY header, in both versions, towards a server.
#include "proxy/proxy_header_parts.hpp"

#include <fmt/format.h>

#include <cassert>
#include <iterator>

namespace poise::proxy {

namespace {

using config::ProxyProtocol;

// ip_to_string writes a mapped address as IPv4, which is wrong beside an IPv6 one.
std::string text_of(const Address& address, bool v4) {
    const std::string text = ip_to_string(address);
    return address.is_v4() && !v4 ? "::ffff:" + text : text;
}

void append_number(std::string& out, std::uint16_t number) {
    out += static_cast<char>(number >> 8);
    out += static_cast<char>(number & 0xff);
}

void append_v2_start(std::string& out, char command, char family, std::uint16_t length) {
    out += proxy_v2_signature;
    out += command;
    out += family;
    append_number(out, length);
}

void append_v1(std::string& out, const Address& source, const Address& destination, bool v4) {
    fmt::format_to(std::back_inserter(out), "PROXY {} {} {} {} {}\r\n", v4 ? "TCP4" : "TCP6",
                   text_of(source, v4), text_of(destination, v4), source.port, destination.port);
}

void append_v2(std::string& out, const Address& source, const Address& destination, bool v4) {
    constexpr std::size_t v4_at = 12;  // in the 16 bytes of an address
    append_v2_start(out, '\x21', v4 ? '\x11' : '\x21', v4 ? 12 : 36);
    for (const Address* address : {&source, &destination}) {
        const std::string_view ip{reinterpret_cast<const char*>(address->ip.data()),
                                  address->ip.size()};
        out += v4 ? ip.substr(v4_at) : ip;
    }
    append_number(out, source.port);
    append_number(out, destination.port);
}

}  // namespace

void append_proxy_header(std::string& out, ProxyProtocol version, const Address& source,
                         const Address& destination) {
    assert(version != ProxyProtocol::off);
    const bool v4 = source.is_v4() && destination.is_v4();
    if (version == ProxyProtocol::v1) {
        append_v1(out, source, destination, v4);
    } else {
        append_v2(out, source, destination, v4);
    }
}

void append_local_proxy_header(std::string& out, ProxyProtocol version) {
    assert(version != ProxyProtocol::off);
    if (version == ProxyProtocol::v1) {
        out += "PROXY UNKNOWN\r\n";
    } else {
        append_v2_start(out, '\x20', '\x00', 0);
    }
}

}  // namespace poise::proxy
