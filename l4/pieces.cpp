#include "l4/pieces.hpp"

#include "l4/checksum.hpp"

#include <algorithm>
#include <cassert>

namespace poise::l4 {

namespace {

constexpr std::size_t ip4_bytes = 20;
constexpr std::uint16_t do_not_fragment = 0x4000;
constexpr std::uint16_t more_fragments = 0x2000;
constexpr std::uint16_t offset_mask = 0x1fff;
constexpr std::size_t offset_unit = 8;

std::size_t payload_bytes(const PacketView& view) {
    return view.end - view.network - ip4_bytes;
}

// Of each piece but the last.
std::size_t piece_bytes(const PacketView& view, std::uint32_t mtu) {
    const std::size_t room = std::min<std::size_t>(mtu, Answer::bytes_max - view.network);
    return room < ip4_bytes ? 0 : (room - ip4_bytes) / offset_unit * offset_unit;
}

void finish_checksum(std::span<std::uint8_t> frame, const PacketView& view) {
    const bool udp = view.protocol == protocol_udp;
    const std::size_t at = view.transport + (udp ? 6U : 16U);
    if (!view.has_ports || at + 2 > view.end) return;
    const auto sum = static_cast<std::uint16_t>(
        ~fold(sum_of(frame.subspan(view.transport, view.end - view.transport))));
    store16(&frame[at], udp && sum == 0 ? std::uint16_t{0xffff} : sum);
}

}  // namespace

std::size_t pieces_needed(std::span<const std::uint8_t> frame, const PacketView& view,
                          const Offload& offload, std::uint32_t mtu) {
    if (view.version != 4 || view.transport - view.network != ip4_bytes) return 0;
    if (offload.segment_bytes != 0) return 0;
    if ((load_be16(&frame[view.network + 6U]) & do_not_fragment) != 0) return 0;
    const std::size_t each = piece_bytes(view, mtu);
    if (each == 0) return 0;
    return (payload_bytes(view) + each - 1) / each;
}

void cut(std::span<std::uint8_t> frame, const PacketView& view, const Offload& offload,
         std::uint32_t mtu, std::span<Answer> into) {
    if (offload.partial_checksum) finish_checksum(frame, view);
    const std::size_t each = piece_bytes(view, mtu);
    const std::size_t head = view.network + ip4_bytes;
    const std::uint16_t field = load_be16(&frame[view.network + 6U]);
    std::size_t done = 0;
    for (Answer& piece : into) {
        assert(done < payload_bytes(view));
        const std::size_t bytes = std::min(each, payload_bytes(view) - done);
        std::copy_n(frame.begin(), head, piece.data.begin());
        std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(head + done), bytes,
                    piece.data.begin() + static_cast<std::ptrdiff_t>(head));
        piece.bytes = static_cast<std::uint16_t>(head + bytes);
        std::uint8_t* const at = piece.data.data() + view.network;
        const bool last = done + bytes == payload_bytes(view);
        const auto offset = static_cast<std::uint16_t>((field & offset_mask) + done / offset_unit);
        store_be16(at + 2, static_cast<std::uint16_t>(ip4_bytes + bytes));
        store_be16(at + 6, static_cast<std::uint16_t>(
                               offset | (last ? field & more_fragments : more_fragments)));
        store16(at + 10, 0);
        store16(at + 10, static_cast<std::uint16_t>(~fold(sum_of({at, ip4_bytes}))));
        done += bytes;
    }
    assert(done == payload_bytes(view));
}

}  // namespace poise::l4
