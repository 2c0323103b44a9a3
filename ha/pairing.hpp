// One exchange of the cluster key, without its socket and without its operator: bytes and decisions
// in; bytes, codes and identities out. Pure, so that a man in the middle can be put between two.
#pragma once

#include "ha/cluster_key.hpp"
#include "ha/pairing_message.hpp"
#include "ha/pairing_secret.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poise::ha {

/// Each node shows a code, and its operator types the one that the other node shows. The node that
/// joins commits to its key and nonce before it sees the other one's, so who stands in between
/// must send what both codes are made of before he can know either: he has one chance in a million
/// for each node, and each node asks once.
class Pairing {
public:
    enum class Stage : std::uint8_t {
        meeting,     // nothing to show yet
        comparing,   // own_code() is to be shown, and the other node's to be typed
        waiting,     // for the other node's operator to type
        confirming,  // the other node's identity is to be shown, and confirm() or refuse() due
        sharing,     // the key goes or comes
        writing,     // key() has come: written() or refuse() is due
        done,
        refused,  // why() tells
    };

    /// This node has `keys`, which is not empty, and gives them.
    Pairing(PairingIdentity own, ClusterKeys keys);
    /// This node gets them.
    explicit Pairing(PairingIdentity own);

    /// The error is a sentence about the other node, and the end.
    std::expected<void, std::string> receive(std::span<const std::uint8_t> bytes);
    /// What is to be sent; the caller takes it out.
    std::vector<std::uint8_t>& output() { return output_; }

    Stage stage() const { return stage_; }
    /// Six digits; needs a stage after meeting.
    const std::string& own_code() const;
    /// What the operator has typed, in the stage comparing: blanks and "-" between the digits are
    /// nothing. False: it is the wrong one, and the exchange has ended.
    bool type_code(std::string_view typed);
    /// Needs a stage from confirming on.
    const PairingIdentity& other() const { return *other_; }
    void confirm();
    /// The other node is told, if it can be.
    void refuse(PairingRefusal refusal);
    const ClusterKeys& keys() const { return keys_; }
    void written();
    /// Why the other node has ended it; nothing: this one has.
    std::optional<PairingRefusal> why() const { return why_; }

private:
    std::expected<void, std::string> take(const PairingFrame& frame);
    std::expected<void, std::string> take_clear(const PairingFrame& frame);
    std::expected<void, std::string> take_sealed(PairingKind kind,
                                                 std::span<const std::uint8_t> content);
    std::expected<void, std::string> take_key(std::span<const std::uint8_t> content);
    std::expected<void, std::string> meet(const PairingHello& theirs);
    void send_sealed(PairingKind kind, std::span<const std::uint8_t> content);
    /// What follows from what is known of both.
    void advance();

    bool gives_;
    PairingIdentity own_;
    ClusterKeys keys_;
    PairingSecret secret_;
    PairingReader reader_;
    std::vector<std::uint8_t> output_;
    Stage stage_ = Stage::meeting;
    std::optional<PairingBytes> commitment_;  // of the node that joins
    std::optional<PairingCipher> seals_, opens_;
    std::string own_code_, other_code_;
    bool code_right_ = false, other_confirmed_ = false, key_sent_ = false;
    std::optional<PairingIdentity> other_;
    std::optional<PairingRefusal> why_;
};

/// Six digits, perhaps with blanks or "-" between them; else nothing.
std::optional<std::string> code_in(std::string_view typed);

}  // namespace poise::ha
