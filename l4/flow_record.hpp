// A flow as one node of a pair tells the other of it, and the pieces of bytes that carry flows.
#pragma once

#include "l4/flow.hpp"
#include "l4/packet.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <vector>

namespace poise::l4 {

/// The name of a network interface, padded with zeros; as the kernel has it, so that 15 bytes are
/// the most.
using LinkName = std::array<char, 16>;
LinkName link_name(std::string_view text);

/// Nothing in it depends on the node: numbers of servers, addresses and links are named instead.
struct FlowRecord {
    Ip client{};
    Ip vip{};
    std::uint16_t client_port = 0;
    std::uint16_t port = 0;    // the service's, as the client dialled it
    std::uint64_t server = 0;  // persistence::server_id
    LinkName link{};           // that the client's packets come over
    Mac client_mac{};
    std::uint8_t protocol = 0;
    FlowState state = FlowState::opening;
    std::uint8_t fins = 0;
    bool answered = false;
    std::uint32_t client_ack = 0;
    std::uint16_t alias_port = 0;      // as Flow has it
    std::chrono::milliseconds life{};  // that it has left

    bool operator==(const FlowRecord&) const = default;
};

/// Whether a piece is part of what is told from the beginning to a peer who knows nothing.
enum class PieceKind : std::uint8_t {
    changes,
    everything,
    everything_ends,  // the last one of these
};

struct FlowPiece {
    std::uint64_t sequence = 0;  // from 1 on, counted by who tells
    PieceKind kind = PieceKind::changes;
    std::vector<FlowRecord> flows;

    bool operator==(const FlowPiece&) const = default;
};

enum class PieceError : std::uint8_t {
    malformed,  // lengths, kinds or states that cannot be
    version,    // written by another version of Poise
};

/// As many flows as a piece may hold; it is then within piece_bytes_max.
constexpr std::size_t piece_flows_max = 512;
constexpr std::size_t piece_bytes_max = 65'536;

/// Appends the piece in its form for the wire, which names its own length.
void write_piece(const FlowPiece& piece, std::vector<std::uint8_t>& to);

/// Reads the piece that `bytes` begins with, which are shortened by it. Whatever the bytes are,
/// what comes back holds: states go with protocols, and addresses are of one family.
std::expected<FlowPiece, PieceError> read_piece(std::span<const std::uint8_t>& bytes);

}  // namespace poise::l4
