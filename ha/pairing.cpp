#include "ha/pairing.hpp"

#include "ha/bytes.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <array>
#include <cassert>
#include <utility>

namespace poise::ha {

namespace {

constexpr std::array<std::uint8_t, 4> magic{'P', 'S', 'P', 'R'};
constexpr std::uint8_t protocol_version = 1;
constexpr std::size_t code_digits = 6;

std::unexpected<std::string> nonsense() {
    return std::unexpected<std::string>("it sends what makes no sense at this point");
}

std::vector<std::uint8_t> greeting(std::span<const std::uint8_t> rest) {
    ByteWriter out;
    out.raw(magic);
    out.u8(protocol_version);
    out.raw(rest);
    return out.take();
}

std::vector<std::uint8_t> to_bytes(const PairingHello& hello) {
    ByteWriter out;
    out.raw(hello.public_key);
    out.raw(hello.nonce);
    return out.take();
}

PairingHello hello_from(ByteReader& in) {
    PairingHello hello;
    hello.public_key = in.raw<32>();
    hello.nonce = in.raw<32>();
    return hello;
}

std::expected<void, std::string> check_greeting(ByteReader& in) {
    if (in.raw<4>() != magic)
        return std::unexpected<std::string>("it does not speak as `poise pair` does");
    const std::uint8_t version = in.u8();
    if (version == protocol_version) return {};
    return std::unexpected(
        fmt::format("it speaks version {} of this exchange and this node version {}: give both "
                    "nodes the same Poise",
                    version, protocol_version));
}

}  // namespace

std::optional<std::string> code_in(std::string_view typed) {
    std::string digits;
    for (const char c : typed) {
        if (c == ' ' || c == '-' || c == '\t' || c == '\r') continue;
        if (c < '0' || c > '9') return std::nullopt;
        digits += c;
    }
    if (digits.size() != code_digits) return std::nullopt;
    return digits;
}

Pairing::Pairing(PairingIdentity own, ClusterKeys keys)
    : gives_(true), own_(std::move(own)), keys_(std::move(keys)) {
    assert(!keys_.empty());
}

Pairing::Pairing(PairingIdentity own) : gives_(false), own_(std::move(own)) {
    append_frame(output_, PairingKind::commitment, greeting(commitment_of(secret_.hello())));
}

const std::string& Pairing::own_code() const {
    assert(stage_ != Stage::meeting);
    return own_code_;
}

std::expected<void, std::string> Pairing::receive(std::span<const std::uint8_t> bytes) {
    if (stage_ == Stage::refused) return {};
    const auto fail = [this](std::string why) {
        stage_ = Stage::refused;
        return std::unexpected(std::move(why));
    };
    const auto frames = reader_.feed(bytes);
    if (!frames) return fail(frames.error());
    for (const PairingFrame& frame : *frames) {
        if (auto taken = take(frame); !taken) return fail(taken.error());
        if (stage_ == Stage::refused) break;
    }
    return {};
}

std::expected<void, std::string> Pairing::take(const PairingFrame& frame) {
    if (frame.kind < PairingKind::identity) return take_clear(frame);
    if (!opens_) return nonsense();
    const auto content = opens_->open(static_cast<std::uint8_t>(frame.kind), frame.content);
    if (!content)
        return std::unexpected<std::string>(
            "what it sends is not sealed by the key of this exchange");
    return take_sealed(frame.kind, *content);
}

std::expected<void, std::string> Pairing::take_clear(const PairingFrame& frame) {
    if (opens_) return nonsense();
    ByteReader in(frame.content);
    if (frame.kind != PairingKind::reveal)
        if (auto good = check_greeting(in); !good) return good;
    if (gives_ && !commitment_ && frame.kind == PairingKind::commitment) {
        commitment_ = in.raw<32>();
        if (!in.good()) return nonsense();
        append_frame(output_, PairingKind::offer, greeting(to_bytes(secret_.hello())));
        return {};
    }
    const auto expected = gives_ ? PairingKind::reveal : PairingKind::offer;
    if (frame.kind != expected || (gives_ && !commitment_)) return nonsense();
    const PairingHello theirs = hello_from(in);
    if (!in.good()) return nonsense();
    if (gives_ && commitment_of(theirs) != *commitment_)
        return std::unexpected<std::string>(
            "it does not keep to what it committed to: somebody is in between");
    if (!gives_) append_frame(output_, PairingKind::reveal, to_bytes(secret_.hello()));
    return meet(theirs);
}

std::expected<void, std::string> Pairing::meet(const PairingHello& theirs) {
    const auto shared = secret_.shared_with(theirs.public_key);
    if (!shared) return std::unexpected<std::string>("its key is one that hides nothing");
    const PairingHello& ours = secret_.hello();
    PairingKeys keys =
        gives_ ? pairing_keys(*shared, ours, theirs) : pairing_keys(*shared, theirs, ours);
    seals_.emplace(gives_ ? keys.offer_seals : keys.join_seals);
    opens_.emplace(gives_ ? keys.join_seals : keys.offer_seals);
    own_code_ = gives_ ? keys.offer_code : keys.join_code;
    other_code_ = gives_ ? keys.join_code : keys.offer_code;
    stage_ = Stage::comparing;
    return {};
}

void Pairing::send_sealed(PairingKind kind, std::span<const std::uint8_t> content) {
    assert(seals_);
    append_frame(output_, kind, seals_->seal(static_cast<std::uint8_t>(kind), content));
}

std::expected<void, std::string> Pairing::take_sealed(PairingKind kind,
                                                      std::span<const std::uint8_t> content) {
    switch (kind) {
        case PairingKind::identity:
            if (other_) return nonsense();
            other_ = identity_from_bytes(content);
            if (!other_) return nonsense();
            break;
        case PairingKind::confirmed:
            if (!other_ || other_confirmed_) return nonsense();
            other_confirmed_ = true;
            break;
        case PairingKind::key:
            return take_key(content);
        case PairingKind::done:
            if (!key_sent_) return nonsense();
            stage_ = Stage::done;
            return {};
        case PairingKind::refused:
            if (content.size() != 1) return nonsense();
            why_ = static_cast<PairingRefusal>(content.front());
            stage_ = Stage::refused;
            return {};
        case PairingKind::commitment:
        case PairingKind::offer:
        case PairingKind::reveal:
            return nonsense();
    }
    advance();
    return {};
}

// A node gives its key when both have confirmed, so nothing is taken before.
std::expected<void, std::string> Pairing::take_key(std::span<const std::uint8_t> content) {
    if (gives_ || stage_ != Stage::sharing || !other_confirmed_) return nonsense();
    auto keys = parse_cluster_keys({reinterpret_cast<const char*>(content.data()), content.size()});
    if (!keys || other_->key != key_id(keys->front()))
        return std::unexpected<std::string>("it sends another key than the one that it has shown");
    keys_ = std::move(*keys);
    stage_ = Stage::writing;
    return {};
}

void Pairing::advance() {
    if (stage_ == Stage::waiting && other_) stage_ = Stage::confirming;
    if (stage_ != Stage::sharing || !gives_ || key_sent_ || !other_confirmed_) return;
    const std::string text = to_text(keys_);
    send_sealed(PairingKind::key,
                {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    key_sent_ = true;
}

bool Pairing::type_code(std::string_view typed) {
    assert(stage_ == Stage::comparing);
    const auto code = code_in(typed);
    code_right_ = code && CRYPTO_memcmp(code->data(), other_code_.data(), other_code_.size()) == 0;
    if (!code_right_) {
        refuse(PairingRefusal::wrong_code);
        return false;
    }
    send_sealed(PairingKind::identity, ha::to_bytes(own_));
    stage_ = Stage::waiting;
    advance();
    return true;
}

void Pairing::confirm() {
    assert(stage_ == Stage::confirming && code_right_);
    send_sealed(PairingKind::confirmed, {});
    stage_ = Stage::sharing;
    advance();
}

void Pairing::refuse(PairingRefusal refusal) {
    if (stage_ == Stage::refused || stage_ == Stage::done) return;
    const std::array<std::uint8_t, 1> content{static_cast<std::uint8_t>(refusal)};
    if (seals_) send_sealed(PairingKind::refused, content);
    stage_ = Stage::refused;
}

void Pairing::written() {
    assert(stage_ == Stage::writing);
    send_sealed(PairingKind::done, {});
    stage_ = Stage::done;
}

}  // namespace poise::ha
