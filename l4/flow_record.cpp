#include "l4/flow_record.hpp"

#include "l4/checksum.hpp"

#include <algorithm>
#include <cassert>

namespace poise::l4 {

namespace {

// A piece: its header, the names of links, the flows; numbers in network byte order.
//    0  magic, 4 bytes          4  version, 2           6  kind, 1          7  names, 1
//    8  sequence, 8            16  flows, 2            18  zero, 2
//   20  bytes of the whole piece, 4
// A flow: 32 bytes, then the addresses of client and service, of 4 or 16 bytes each.
//    0  1: addresses are of IPv6, 2: answered; 1 byte
//    1  protocol, 1             2  state, 1             3  fins, 1          4  link's name, 1
//    5  client's MAC, 6        11  client's port, 2    13  service's port, 2
//   15  the server, 8          23  life left in seconds, rounded up, 3
//   26  alias port, 2          28  client's next acknowledgement, 4
constexpr std::uint32_t magic = 0x50466c77;  // "PFlw"
constexpr std::uint16_t version = 1;
constexpr std::size_t header_bytes = 24;
constexpr std::size_t fixed_bytes = 32;
constexpr std::size_t names_max = 16;
constexpr std::uint8_t no_name = UINT8_MAX;
constexpr std::uint8_t flag_ip6 = 1;
constexpr std::uint8_t flag_answered = 2;
constexpr std::uint32_t seconds_max = 0xffffff;

static_assert(header_bytes + names_max * sizeof(LinkName) + piece_flows_max * (fixed_bytes + 32) <=
              piece_bytes_max);

using Bytes = std::span<const std::uint8_t>;

void store_be64(std::uint8_t* at, std::uint64_t value) {
    store_be32(at, static_cast<std::uint32_t>(value >> 32));
    store_be32(at + 4, static_cast<std::uint32_t>(value));
}
std::uint64_t load_be64(const std::uint8_t* at) {
    return std::uint64_t{load_be32(at)} << 32 | load_be32(at + 4);
}

// The names that the flows use, as far as there is room.
std::vector<LinkName> names_of(const std::vector<FlowRecord>& flows) {
    std::vector<LinkName> names;
    for (const FlowRecord& flow : flows) {
        if (names.size() == names_max) break;
        if (flow.link != LinkName{} && std::ranges::find(names, flow.link) == names.end())
            names.push_back(flow.link);
    }
    return names;
}

void write_flow(const FlowRecord& flow, const std::vector<LinkName>& names,
                std::vector<std::uint8_t>& to) {
    const bool v4 = is_v4(flow.client);
    assert(is_v4(flow.vip) == v4);
    const std::size_t begin = to.size();
    to.resize(begin + fixed_bytes);
    std::uint8_t* const at = &to[begin];
    at[0] = static_cast<std::uint8_t>((v4 ? 0 : flag_ip6) | (flow.answered ? flag_answered : 0));
    at[1] = flow.protocol;
    at[2] = static_cast<std::uint8_t>(flow.state);
    at[3] = flow.fins;
    const auto name = std::ranges::find(names, flow.link) - names.begin();
    at[4] = name == std::ssize(names) ? no_name : static_cast<std::uint8_t>(name);
    std::ranges::copy(flow.client_mac, at + 5);
    store_be16(at + 11, flow.client_port);
    store_be16(at + 13, flow.port);
    store_be64(at + 15, flow.server);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(flow.life).count();
    const auto life = static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, seconds_max));
    at[23] = static_cast<std::uint8_t>(life >> 16);
    store_be16(at + 24, static_cast<std::uint16_t>(life));
    store_be16(at + 26, flow.alias_port);
    store_be32(at + 28, flow.client_ack);
    for (const Ip& ip : {flow.client, flow.vip})
        to.insert(to.end(), ip.begin() + (v4 ? 12 : 0), ip.end());
}

Ip ip_at(const std::uint8_t* at, bool v4) {
    Ip ip{};
    if (v4) ip[10] = ip[11] = 0xff;
    std::copy_n(at, v4 ? 4 : 16, ip.begin() + (v4 ? 12 : 0));
    return ip;
}

bool goes_with(FlowState state, std::uint8_t protocol) {
    const bool tcp = state <= FlowState::closing;
    return state <= FlowState::datagrams && protocol == (tcp ? protocol_tcp : protocol_udp);
}

// False: it is not within the bytes, or cannot be.
bool read_flow(Bytes& bytes, const std::vector<LinkName>& names, FlowRecord& flow) {
    if (bytes.size() < fixed_bytes) return false;
    const std::uint8_t* const at = bytes.data();
    const bool v4 = (at[0] & flag_ip6) == 0;
    const std::size_t ip_bytes = v4 ? 4 : 16;
    if (bytes.size() < fixed_bytes + 2 * ip_bytes) return false;
    if ((at[0] & ~(flag_ip6 | flag_answered)) != 0 || at[3] > 3) return false;
    if (at[4] != no_name && at[4] >= names.size()) return false;
    flow.answered = (at[0] & flag_answered) != 0;
    flow.protocol = at[1];
    flow.state = static_cast<FlowState>(at[2]);
    if (!goes_with(flow.state, flow.protocol)) return false;
    flow.fins = at[3];
    if (at[4] != no_name) flow.link = names[at[4]];
    std::copy_n(at + 5, flow.client_mac.size(), flow.client_mac.begin());
    flow.client_port = load_be16(at + 11);
    flow.port = load_be16(at + 13);
    flow.server = load_be64(at + 15);
    flow.life = std::chrono::seconds{std::uint32_t{at[23]} << 16 | load_be16(at + 24)};
    flow.alias_port = load_be16(at + 26);
    if (flow.alias_port != 0 && flow.alias_port < alias_port_first) return false;
    flow.client_ack = load_be32(at + 28);
    flow.client = ip_at(at + fixed_bytes, v4);
    flow.vip = ip_at(at + fixed_bytes + ip_bytes, v4);
    // Sixteen bytes that mean an address of IPv4 would be a second form of it.
    if (!v4 && (is_v4(flow.client) || is_v4(flow.vip))) return false;
    bytes = bytes.subspan(fixed_bytes + 2 * ip_bytes);
    return true;
}

bool read_names(Bytes& bytes, std::size_t count, std::vector<LinkName>& names) {
    if (count > names_max || bytes.size() < count * sizeof(LinkName)) return false;
    for (std::size_t i = 0; i < count; ++i) {
        LinkName& name = names.emplace_back();
        std::copy_n(bytes.begin(), name.size(), name.begin());
        if (name.front() == 0 || name.back() != 0) return false;
        bytes = bytes.subspan(name.size());
    }
    return true;
}

}  // namespace

LinkName link_name(std::string_view text) {
    LinkName name{};
    std::copy_n(text.begin(), std::min(text.size(), name.size() - 1), name.begin());
    return name;
}

void write_piece(const FlowPiece& piece, std::vector<std::uint8_t>& to) {
    assert(piece.flows.size() <= piece_flows_max);
    const std::size_t begin = to.size();
    const std::vector<LinkName> names = names_of(piece.flows);
    to.reserve(begin + header_bytes + names.size() * sizeof(LinkName) +
               piece.flows.size() * (fixed_bytes + 32));
    to.resize(begin + header_bytes);
    for (const LinkName& name : names)
        to.insert(to.end(), name.begin(), name.end());
    for (const FlowRecord& flow : piece.flows)
        write_flow(flow, names, to);
    std::uint8_t* const at = &to[begin];
    store_be32(at, magic);
    store_be16(at + 4, version);
    at[6] = static_cast<std::uint8_t>(piece.kind);
    at[7] = static_cast<std::uint8_t>(names.size());
    store_be64(at + 8, piece.sequence);
    store_be16(at + 16, static_cast<std::uint16_t>(piece.flows.size()));
    store_be32(at + 20, static_cast<std::uint32_t>(to.size() - begin));
}

std::expected<FlowPiece, PieceError> read_piece(Bytes& bytes) {
    constexpr auto malformed = std::unexpected(PieceError::malformed);
    if (bytes.size() < header_bytes || load_be32(bytes.data()) != magic) return malformed;
    const std::uint8_t* const at = bytes.data();
    if (load_be16(at + 4) != version) return std::unexpected(PieceError::version);
    const std::size_t size = load_be32(at + 20);
    const std::size_t flows = load_be16(at + 16);
    if (size < header_bytes || size > bytes.size() || size > piece_bytes_max) return malformed;
    if (flows > piece_flows_max || at[6] > static_cast<std::uint8_t>(PieceKind::everything_ends))
        return malformed;
    FlowPiece piece{load_be64(at + 8), static_cast<PieceKind>(at[6]), {}};
    if (piece.sequence == 0) return malformed;
    Bytes rest = bytes.first(size).subspan(header_bytes);
    std::vector<LinkName> names;
    if (!read_names(rest, at[7], names)) return malformed;
    piece.flows.reserve(flows);
    for (std::size_t i = 0; i < flows; ++i)
        if (!read_flow(rest, names, piece.flows.emplace_back())) return malformed;
    if (!rest.empty()) return malformed;
    bytes = bytes.subspan(size);
    return piece;
}

}  // namespace poise::l4
