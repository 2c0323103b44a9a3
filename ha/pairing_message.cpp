#include "ha/pairing_message.hpp"

#include "ha/bytes.hpp"

#include <cassert>

namespace poise::ha {

namespace {

constexpr std::size_t head_bytes = 3;  // kind, length

bool is_known(std::uint8_t kind) {
    const auto in = [kind](PairingKind first, PairingKind last) {
        return kind >= static_cast<std::uint8_t>(first) && kind <= static_cast<std::uint8_t>(last);
    };
    return in(PairingKind::commitment, PairingKind::reveal) ||
           in(PairingKind::identity, PairingKind::refused);
}

enum Flag : std::uint8_t { master_bit = 1, key_bit = 2, settings_bit = 4, unfinished_bit = 8 };

std::uint8_t flags_of(const PairingIdentity& identity) {
    unsigned flags = 0;
    if (identity.master) flags |= master_bit;
    if (identity.key) flags |= key_bit;
    if (identity.settings) flags |= settings_bit;
    if (identity.settings && identity.settings->unfinished) flags |= unfinished_bit;
    return static_cast<std::uint8_t>(flags);
}

}  // namespace

std::string_view text_of(PairingRefusal refusal) {
    switch (refusal) {
        case PairingRefusal::wrong_code:
            return "the code that was typed there is not the one that this node shows";
        case PairingRefusal::declined:
            return "its operator has not agreed";
        case PairingRefusal::unsuitable:
            return "the two nodes cannot be a pair";
        case PairingRefusal::failed:
            return "it cannot write the key";
    }
    return "it gives no reason that is known here";
}

void append_frame(std::vector<std::uint8_t>& out, PairingKind kind,
                  std::span<const std::uint8_t> content) {
    assert(content.size() <= pairing_frame_bytes_max);
    ByteWriter head;
    head.u8(static_cast<std::uint8_t>(kind));
    head.u16(static_cast<std::uint16_t>(content.size()));
    const std::vector<std::uint8_t> bytes = head.take();
    out.insert(out.end(), bytes.begin(), bytes.end());
    out.insert(out.end(), content.begin(), content.end());
}

std::expected<std::vector<PairingFrame>, std::string> PairingReader::feed(
    std::span<const std::uint8_t> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    std::vector<PairingFrame> frames;
    std::size_t at = 0;
    while (bytes_.size() - at >= head_bytes) {
        ByteReader head(std::span(bytes_).subspan(at));
        const std::uint8_t kind = head.u8();
        const std::size_t size = head.u16();
        if (!is_known(kind) || size > pairing_frame_bytes_max) {
            bytes_.clear();
            return std::unexpected<std::string>("it does not speak as `poise pair` does");
        }
        if (bytes_.size() - at < head_bytes + size) break;
        const auto content = std::span(bytes_).subspan(at + head_bytes, size);
        frames.push_back({static_cast<PairingKind>(kind), {content.begin(), content.end()}});
        at += head_bytes + size;
    }
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
    return frames;
}

std::vector<std::uint8_t> to_bytes(const PairingIdentity& identity) {
    const Standing settings = identity.settings.value_or(Standing{});
    ByteWriter out;
    out.u8(flags_of(identity));
    out.u64(identity.node_id);
    out.u32(identity.key.value_or(0));
    out.raw(settings.hash);
    out.raw(settings.common);
    out.u64(settings.version);
    out.u32(identity.files);
    for (const std::string* text :
         {&identity.name, &identity.host, &identity.version, &identity.key_file})
        out.text(*text, pairing_text_bytes_max);
    return out.take();
}

std::optional<PairingIdentity> identity_from_bytes(std::span<const std::uint8_t> bytes) {
    ByteReader in(bytes);
    PairingIdentity identity;
    const std::uint8_t flags = in.u8();
    identity.master = (flags & master_bit) != 0;
    identity.node_id = in.u64();
    const std::uint32_t key = in.u32();
    if ((flags & key_bit) != 0) identity.key = key;
    Standing settings;
    settings.hash = in.raw<32>();
    settings.common = in.raw<32>();
    settings.version = in.u64();
    settings.unfinished = (flags & unfinished_bit) != 0;
    if ((flags & settings_bit) != 0) identity.settings = settings;
    identity.files = in.u32();
    for (std::string* text :
         {&identity.name, &identity.host, &identity.version, &identity.key_file})
        *text = in.text(pairing_text_bytes_max);
    if (!in.good() || identity.name.empty()) return std::nullopt;
    return identity;
}

}  // namespace poise::ha
