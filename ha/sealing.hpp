// Sealed datagrams between the two nodes: nobody without the key can make, read or repeat one.
//
// Freshness needs no clock: the key of a beat is derived from the random boot nonces of both
// nodes, so what was recorded before either of them started opens nowhere; within a session a
// counter and a sliding window refuse what comes twice. A node that has no session says hello
// with a key of its own nonce alone. A hello may be a repetition, so it changes nothing: it is
// answered by a beat for that nonce, and only who is alive can seal with the answer.
#pragma once

#include "ha/cluster_key.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace poise::ha {

using BootNonce = std::array<std::uint8_t, 16>;

/// Random. Throws std::runtime_error when the system has no randomness.
BootNonce make_boot_nonce();

enum class Kind : std::uint8_t {
    hello = 1,     // I am here and know of no session
    beat = 2,      // for the node whose nonce it was sealed with
    farewell = 3,  // made beforehand with each beat, sent by the guardian when the node is gone
};

/// Why a datagram was not taken, cheapest test first.
enum class Refused : std::uint8_t {
    not_ours,        // no magic, too short or too long
    other_version,   // a protocol that this build does not speak
    unknown_key,     // sealed with a key that is not in our file
    unknown_sender,  // of another path, or this node itself
    repeated,        // seen, or too old to tell
    too_many,        // of unknown senders, above the rate that is looked at
    forged,          // does not open
};
constexpr std::size_t refused_kinds = 7;

std::string_view word(Refused refused);

struct Opened {
    Kind kind = Kind::hello;
    std::uint64_t counter = 0;
    bool new_session = false;  // the first beat of a node that has started anew
    std::vector<std::uint8_t> content;
};

/// The header in the clear, and what encryption adds.
constexpr std::size_t seal_overhead = 36 + 16;
constexpr std::size_t datagram_bytes_max = 1200;
constexpr std::size_t paths_max = 8;

/// One a peer. One thread.
class Sealing {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// `keys` is not empty.
    Sealing(const ClusterKeys& keys, const BootNonce& own);
    ~Sealing();
    Sealing(const Sealing&) = delete;
    Sealing& operator=(const Sealing&) = delete;

    /// Keys as the file has them now; the session goes on with them.
    void set_keys(const ClusterKeys& keys);

    bool has_session() const { return session_.has_value(); }
    /// The number of the beat that is made now; the same on all paths.
    std::uint64_t counter() const { return counter_; }
    /// Before each beat: a number must not seal two contents on one path.
    void next_counter() { ++counter_; }

    /// `content` of at most datagram_bytes_max - seal_overhead bytes. A beat or farewell needs a
    /// session.
    std::vector<std::uint8_t> seal(Kind kind, std::uint8_t path,
                                   std::span<const std::uint8_t> content) const;
    /// A beat for each node that has said hello since hellos_answered(); at most `answers_max`.
    std::vector<std::vector<std::uint8_t>> answers(std::uint8_t path,
                                                   std::span<const std::uint8_t> content) const;
    void hellos_answered();

    std::expected<Opened, Refused> open(std::uint8_t path, std::span<const std::uint8_t> datagram,
                                        Time now);

    /// Whether a datagram that was refused says to be of the session's node: an attacker who is
    /// not on the path cannot know that nonce.
    bool names_session(std::span<const std::uint8_t> datagram) const;

private:
    static constexpr std::size_t answers_max = 4;
    static constexpr std::size_t retired_max = 4096;
    static constexpr double unknown_per_second = 200, unknown_burst = 50;

    class Cipher;
    using Ciphers = std::vector<std::unique_ptr<Cipher>>;  // by cluster key

    /// What has been seen of one kind on one path.
    struct Window {
        std::uint64_t newest = 0;
        std::uint64_t seen = 0;  // bit n: newest - n

        bool fresh(std::uint64_t counter) const;
        void take(std::uint64_t counter);
    };
    struct Session {
        BootNonce peer;
        Ciphers in, out;
        std::array<Window, paths_max> beats, farewells;
        std::uint64_t newest = 0;  // beat on any path
    };
    struct Candidate {  // has said hello
        BootNonce peer;
        Ciphers out;
        bool answer_due = false;
    };

    Ciphers ciphers(const BootNonce& sender, const BootNonce& receiver) const;
    std::optional<std::size_t> index_of(std::uint32_t id) const;
    std::vector<std::uint8_t> seal_with(const Cipher& cipher, Kind kind, std::uint8_t path,
                                        std::span<const std::uint8_t> content) const;
    std::expected<Opened, Refused> open_hello(std::size_t key, std::span<const std::uint8_t>,
                                              const BootNonce& sender, Time now);
    std::expected<Opened, Refused> open_sealed(std::size_t key, std::uint8_t path, Kind kind,
                                               std::span<const std::uint8_t>,
                                               const BootNonce& sender, Time now);
    /// Whether somebody unknown may be looked at: nothing then, or why not.
    std::optional<Refused> refuse_unknown(const BootNonce& sender, Time now);
    Candidate& candidate(const BootNonce& sender);
    void promote(const BootNonce& peer);

    ClusterKeys keys_;
    std::vector<std::uint32_t> ids_;
    BootNonce own_;
    Ciphers hello_out_;
    std::optional<Session> session_;
    std::vector<Candidate> candidates_;  // at most answers_max, newest last
    // Nodes of ended sessions: their beats were for our nonce too, and must not come back.
    std::vector<BootNonce> retired_;
    std::uint64_t counter_ = 0;
    double tokens_ = unknown_burst;
    Time tokens_at_{};
};

}  // namespace poise::ha
