// The cryptography by which two nodes that share nothing yet find out, with a person's help, that
// nobody stands between them: X25519, SHA-256, HKDF and AES-256-GCM of OpenSSL, put together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace poise::ha {

using PairingBytes = std::array<std::uint8_t, 32>;

/// What a node says of itself in the clear: a public key of X25519 (RFC 7748) and a nonce.
struct PairingHello {
    PairingBytes public_key{}, nonce{};

    bool operator==(const PairingHello&) const = default;
};

/// Says nothing of `hello`, and fits no other one.
PairingBytes commitment_of(const PairingHello& hello);

/// One node's secret of one exchange. Throws std::runtime_error when OpenSSL cannot.
class PairingSecret {
public:
    PairingSecret();
    ~PairingSecret();
    PairingSecret(const PairingSecret&) = delete;
    PairingSecret& operator=(const PairingSecret&) = delete;

    const PairingHello& hello() const { return hello_; }
    /// Nothing when that is a key by which everybody would know the secret.
    std::optional<PairingBytes> shared_with(const PairingBytes& public_key) const;

private:
    struct Key;
    std::unique_ptr<Key> key_;
    PairingHello hello_;
};

/// What follows from the secret and from all that was said. With somebody in between, each node
/// has others.
struct PairingKeys {
    PairingBytes offer_seals{}, join_seals{};  // what either of them says
    std::string offer_code, join_code;         // that each of them shows: six digits
};
PairingKeys pairing_keys(const PairingBytes& shared, const PairingHello& offer,
                         const PairingHello& join);

/// One direction; frames in their order. `kind` is authenticated and not encrypted.
class PairingCipher {
public:
    explicit PairingCipher(const PairingBytes& key) : key_(key) {}

    std::vector<std::uint8_t> seal(std::uint8_t kind, std::span<const std::uint8_t> content);
    /// Nothing when it was not sealed by this key as the next one, or changed on the way.
    std::optional<std::vector<std::uint8_t>> open(std::uint8_t kind,
                                                  std::span<const std::uint8_t> sealed);

private:
    PairingBytes key_;
    std::uint64_t counter_ = 0;
};
constexpr std::size_t pairing_tag_bytes = 16;

}  // namespace poise::ha
