// What two nodes say to each other while one gives the other the cluster key, and its bytes. Pure.
#pragma once

#include "ha/settings.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poise::ha {

/// Who a node is, for the person who decides whether it becomes the other one of the pair.
struct PairingIdentity {
    std::string name, host, version;   // node.name, the host's name, of the program
    std::uint64_t node_id = 0;         // made of the name; two nodes of a pair differ in it
    bool master = false;               // the configured role
    std::string key_file;              // where the key is, or will be
    std::optional<std::uint32_t> key;  // key_id() of the key there; nothing: there is none
    std::optional<Standing> settings;  // poise.yaml as it is now; nothing: there is none that loads
    std::uint32_t files = 0;           // that poise.yaml names and that travel with it

    bool operator==(const PairingIdentity&) const = default;
};
constexpr std::size_t pairing_text_bytes_max = 200;  // longer ones are cut

/// Why a node ends the exchange.
enum class PairingRefusal : std::uint8_t {
    wrong_code = 1,  // that was typed there
    declined,        // nobody has agreed to it
    unsuitable,      // the two cannot be a pair
    failed,          // the key cannot be written there
};
/// Of the node that ends it, as the other one's operator reads it.
std::string_view text_of(PairingRefusal refusal);

enum class PairingKind : std::uint8_t {
    commitment = 1,  // in the clear: a hash of what `reveal` says later
    offer,           // in the clear: a public key and a nonce
    reveal,          // in the clear: the same of the node that joins
    identity = 16,   // sealed, as all that follow: the right code was typed here, and who I am
    confirmed,       // the operator agrees
    key,             // the text of the key file
    done,            // it is written
    refused,
};

struct PairingFrame {
    PairingKind kind = PairingKind::refused;
    std::vector<std::uint8_t> content;
};
constexpr std::size_t pairing_frame_bytes_max = 2048;

void append_frame(std::vector<std::uint8_t>& out, PairingKind kind,
                  std::span<const std::uint8_t> content);

/// Bytes in, frames out; holds at most pairing_frame_bytes_max and a little more.
class PairingReader {
public:
    /// The error is a sentence: the other side speaks something else. Nothing is kept then.
    std::expected<std::vector<PairingFrame>, std::string> feed(std::span<const std::uint8_t> bytes);

private:
    std::vector<std::uint8_t> bytes_;
};

std::vector<std::uint8_t> to_bytes(const PairingIdentity& identity);
/// Nothing when the bytes are none of ours; more than known are allowed at the end.
std::optional<PairingIdentity> identity_from_bytes(std::span<const std::uint8_t> bytes);

}  // namespace poise::ha
