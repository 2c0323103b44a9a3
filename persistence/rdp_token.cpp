#include "persistence/rdp_token.hpp"

#include <charconv>
#include <system_error>

namespace poise::persistence {

namespace {

using State = RdpRequest::State;

constexpr std::size_t tpkt_bytes = 4;        // version, reserved, length of the whole packet
constexpr std::size_t x224_fixed_bytes = 6;  // behind the length: code, two references, class
constexpr std::uint8_t tpkt_version = 3;
constexpr std::uint8_t connection_request = 0xe0;  // the low half is the credit, 0 in class 0

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

// Whether the head, as far as it is there, is that of a connection request.
bool is_request(std::string_view bytes) {
    const std::size_t n = bytes.size();
    if (n > 0 && byte_at(bytes, 0) != tpkt_version) return false;
    if (n > 1 && byte_at(bytes, 1) != 0) return false;
    if (n > 2 && byte_at(bytes, 2) > rdp_request_bytes_max >> 8) return false;
    if (n <= tpkt_bytes) return true;
    const std::size_t packet = std::size_t{byte_at(bytes, 2)} << 8 | byte_at(bytes, 3);
    const std::size_t request = byte_at(bytes, tpkt_bytes);
    if (request < x224_fixed_bytes || packet != tpkt_bytes + 1 + request) return false;
    return packet <= rdp_request_bytes_max &&
           (n == tpkt_bytes + 1 || byte_at(bytes, tpkt_bytes + 1) == connection_request);
}

// A decimal number up to the end of `text` or the next '.', which is taken off as well.
template <typename Number>
std::optional<Number> take_number(std::string_view& text) {
    Number number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop == end || *stop != '.') return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
    return number;
}

// "3640205228.15629.0000" is 172.31.249.216:3389: both numbers have their bytes the other way
// round. What stands behind the second point is reserved and may be missing. There is no form for
// IPv6: it names no server.
std::optional<Address> server_of(std::string_view token) {
    const auto ip = take_number<std::uint32_t>(token);
    if (!ip) return std::nullopt;
    const auto port = take_number<std::uint16_t>(token);
    if (!port) return std::nullopt;
    Address address;
    address.ip[10] = address.ip[11] = 0xff;
    for (unsigned i = 0; i < 4; ++i)
        address.ip[12 + i] = static_cast<std::uint8_t>(*ip >> (8 * i));
    address.port = static_cast<std::uint16_t>(*port << 8 | *port >> 8);
    return address;
}

}  // namespace

RdpRequest read_rdp_request(std::string_view bytes) {
    RdpRequest request;
    if (!is_request(bytes)) {
        request.state = State::not_rdp;
        return request;
    }
    if (bytes.size() <= tpkt_bytes) return request;
    const std::size_t length = tpkt_bytes + 1 + byte_at(bytes, tpkt_bytes);
    if (bytes.size() < length) return request;
    request.state = State::found;
    constexpr std::size_t fixed = tpkt_bytes + 1 + x224_fixed_bytes;
    const std::string_view rest = bytes.substr(fixed, length - fixed);
    const std::size_t end = rest.find("\r\n");
    if (end == rest.npos) return request;
    std::string_view line = rest.substr(0, end);
    constexpr std::string_view routing_token = "Cookie: msts=";
    constexpr std::string_view user_name = "Cookie: mstshash=";
    if (line.starts_with(routing_token))
        request.server = server_of(line.substr(routing_token.size()));
    else if (line.starts_with(user_name))
        request.user = line.substr(user_name.size());
    return request;
}

}  // namespace poise::persistence
