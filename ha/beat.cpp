#include "ha/beat.hpp"

#include "ha/bytes.hpp"

namespace poise::ha {

namespace {

enum Flag : std::uint16_t {
    fit_bit = 1,
    leave_bit = 2,
    planned_bit = 4,
    hears_bit = 8,
    verified_bit = 16,
    master_bit = 32,
    asks_bit = 64,
    partly_bit = 128,
};

std::uint16_t flags_of(const Beat& beat) {
    unsigned flags = 0;
    if (beat.fit) flags |= fit_bit;
    if (beat.wishes_to_leave) flags |= leave_bit;
    if (beat.planned) flags |= planned_bit;
    if (beat.hears_you) flags |= hears_bit;
    if (beat.verified) flags |= verified_bit;
    if (beat.claim.master) flags |= master_bit;
    if (beat.asks) flags |= asks_bit;
    if (beat.partly) flags |= partly_bit;
    return static_cast<std::uint16_t>(flags);
}

void set_flags(Beat& beat, std::uint16_t flags) {
    beat.fit = (flags & fit_bit) != 0;
    beat.wishes_to_leave = (flags & leave_bit) != 0;
    beat.planned = (flags & planned_bit) != 0;
    beat.hears_you = (flags & hears_bit) != 0;
    beat.verified = (flags & verified_bit) != 0;
    beat.claim.master = (flags & master_bit) != 0;
    beat.asks = (flags & asks_bit) != 0;
    beat.partly = (flags & partly_bit) != 0;
}

}  // namespace

std::string_view word(State state) {
    switch (state) {
        case State::listening:
            return "listening";
        case State::standby:
            return "standby";
        case State::active:
            return "active";
        case State::yielding:
            return "yielding";
    }
    return "";
}

std::vector<std::uint8_t> to_bytes(const Beat& beat) {
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(beat.state));
    out.u16(flags_of(beat));
    out.u64(beat.claim.epoch);
    out.u64(beat.claim.node_id);
    out.u16(beat.received_permille);
    out.u32(beat.lateness_us);
    out.u32(beat.progress);
    out.u64(beat.echo_counter);
    out.u32(beat.echo_age_us);
    out.u64(beat.config.version);
    out.raw(beat.config.hash);
    out.u64(beat.addresses_hash);
    out.u64(beat.watermark);
    out.u16(beat.stream_port);
    out.text(beat.node_name, node_name_bytes_max);
    out.text(beat.version, node_name_bytes_max);
    return out.take();
}

std::optional<Beat> beat_from_bytes(std::span<const std::uint8_t> bytes) {
    ByteReader in(bytes);
    Beat beat;
    const std::uint8_t state = in.u8();
    if (state > static_cast<std::uint8_t>(State::yielding)) return std::nullopt;
    beat.state = static_cast<State>(state);
    set_flags(beat, in.u16());
    beat.claim.epoch = in.u64();
    beat.claim.node_id = in.u64();
    beat.received_permille = in.u16();
    beat.lateness_us = in.u32();
    beat.progress = in.u32();
    beat.echo_counter = in.u64();
    beat.echo_age_us = in.u32();
    beat.config.version = in.u64();
    beat.config.hash = in.raw<32>();
    beat.addresses_hash = in.u64();
    beat.watermark = in.u64();
    beat.stream_port = in.u16();
    beat.node_name = in.text(node_name_bytes_max);
    beat.version = in.text(node_name_bytes_max);
    if (!in.good() || beat.received_permille > 1000) return std::nullopt;
    return beat;
}

}  // namespace poise::ha
