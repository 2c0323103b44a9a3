// Any bytes: the reader stays in its limits, says the same of a packet in pieces, and finds again
// what it found when it is written anew.
#include "persistence/rdp_token.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

using namespace poise;
using persistence::RdpRequest;
using State = RdpRequest::State;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_pieces(std::string_view bytes, const RdpRequest& whole) {
    for (std::size_t cut = 0; cut < bytes.size() && cut <= persistence::rdp_request_bytes_max;
         ++cut) {
        const RdpRequest part = persistence::read_rdp_request(bytes.substr(0, cut));
        if (part.state == State::needs_more) continue;
        require(part.state == whole.state);
        require(part.server == whole.server && part.user == whole.user);
        return;
    }
}

std::string packet(const std::string& line) {
    const std::string rest = line + "\r\n";
    const auto request = static_cast<char>(6 + rest.size());
    const auto length = static_cast<unsigned>(11 + rest.size());
    std::string bytes{'\3', '\0', static_cast<char>(length >> 8), static_cast<char>(length)};
    return bytes + request + '\xe0' + std::string(5, '\0') + rest;
}

void check_written(const Address& server) {
    std::uint32_t ip = 0;
    for (unsigned i = 0; i < 4; ++i)
        ip |= std::uint32_t{server.ip[12 + i]} << (8 * i);
    const unsigned port = (server.port & 0xffU) << 8 | server.port >> 8;
    const auto again = persistence::read_rdp_request(
        packet("Cookie: msts=" + std::to_string(ip) + "." + std::to_string(port) + ".0000"));
    require(again.state == State::found && again.server == server);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    const RdpRequest request = persistence::read_rdp_request(bytes);
    if (request.state == State::needs_more) require(size < persistence::rdp_request_bytes_max);
    if (request.state != State::found) require(!request.server && request.user.empty());
    require(!request.server || request.user.empty());
    require(!request.server || request.server->is_v4());
    require(request.user.size() < persistence::rdp_request_bytes_max);
    if (request.server) check_written(*request.server);
    check_pieces(bytes, request);
    return 0;
}
