// Any bytes as what comes to `poise pair offer` and `poise pair join`, in the clear and sealed by
// somebody who has met the node: nothing crashes, and no key leaves or is taken without a word of
// the operator.
#include "ha/pairing.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <utility>

using namespace poise::ha;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

PairingIdentity identity(const std::string& name) {
    PairingIdentity made;
    made.name = name;
    return made;
}

void clear(Pairing& pairing, std::span<const std::uint8_t> bytes) {
    const std::size_t half = bytes.size() / 2;  // cut anywhere, it is the same stream
    if (pairing.receive(bytes.first(half)).has_value()) (void)pairing.receive(bytes.subspan(half));
    require(pairing.stage() == Pairing::Stage::meeting ||
            pairing.stage() == Pairing::Stage::comparing ||
            pairing.stage() == Pairing::Stage::refused);
    require(pairing.output().size() < 1000);
}

// The offer's first answer, as a node that joins reads it.
PairingHello hello_in(std::span<const std::uint8_t> frame) {
    constexpr std::size_t before = 3 + 5;  // kind and length; magic and version
    PairingHello hello;
    require(frame.size() == before + 64);
    std::ranges::copy(frame.subspan(before, 32), hello.public_key.begin());
    std::ranges::copy(frame.subspan(before + 32, 32), hello.nonce.begin());
    return hello;
}

// Frames of the kinds and lengths that the bytes say, sealed as if by the node that joins.
void sealed(std::span<const std::uint8_t> bytes, bool typed) {
    const ClusterKeys keys{ClusterKey{1}};
    Pairing offer(identity("lb1"), keys);
    const PairingSecret secret;
    const PairingBytes commitment = commitment_of(secret.hello());
    std::vector<std::uint8_t> said{'P', 'S', 'P', 'R', 1};
    said.insert(said.end(), commitment.begin(), commitment.end());
    std::vector<std::uint8_t> frames;
    append_frame(frames, PairingKind::commitment, said);
    require(offer.receive(frames).has_value());
    const PairingHello theirs = hello_in(offer.output());
    std::vector<std::uint8_t> reveal(secret.hello().public_key.begin(),
                                     secret.hello().public_key.end());
    reveal.insert(reveal.end(), secret.hello().nonce.begin(), secret.hello().nonce.end());
    frames.clear();
    append_frame(frames, PairingKind::reveal, reveal);
    require(offer.receive(frames).has_value());
    const PairingKeys derived =
        pairing_keys(*secret.shared_with(theirs.public_key), theirs, secret.hello());
    if (typed) require(offer.type_code(derived.join_code));
    offer.output().clear();

    PairingCipher seals(derived.join_seals);
    while (bytes.size() >= 2) {
        const auto kind =
            static_cast<PairingKind>(bytes[0] % 5 + static_cast<int>(PairingKind::identity));
        const std::size_t size = std::min<std::size_t>(bytes[1] * 4U, bytes.size() - 2);
        frames.clear();
        append_frame(frames, kind,
                     seals.seal(static_cast<std::uint8_t>(kind), bytes.subspan(2, size)));
        bytes = bytes.subspan(2 + size);
        if (!offer.receive(frames).has_value()) break;
    }
    require(offer.stage() != Pairing::Stage::sharing && offer.stage() != Pairing::Stage::done);
    require(offer.output().empty());  // the operator has not confirmed
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(data, size);
    Pairing offer(identity("lb1"), {ClusterKey{1}});
    clear(offer, bytes);
    Pairing join(identity("lb2"));
    clear(join, bytes);
    sealed(bytes, false);
    sealed(bytes, true);
    if (const auto identity = identity_from_bytes(bytes))
        require(identity_from_bytes(to_bytes(*identity)) == identity);
    return 0;
}
