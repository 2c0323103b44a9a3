// What the administration needs of the running program, and all that it can do to it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poise::admin {

enum class ServerOrder : std::uint8_t { drain, halt, online, weight };

enum class PairOrder : std::uint8_t { takeover, standby };

struct ConfigProblem {
    int line = 0;  // from 1; 0: of the file as a whole
    int column = 0;
    std::string message;
    std::string hint;
};

/// Of a check or a reload.
struct ConfigOutcome {
    std::string error;                    // empty: good
    std::vector<ConfigProblem> problems;  // what is wrong with the text, when that is the error
    std::vector<std::string> changes;     // what it changes against what is in force
    std::uint64_t generation = 0;         // in force now
};

struct CertificateFacts {
    std::string file;
    std::string subject, issuer;
    std::vector<std::string> names;
    std::string key_kind;                        // "rsa", "ecdsa", "other"
    std::int64_t not_before = 0, not_after = 0;  // seconds since 1970
    std::vector<std::string> warnings;
    std::string ocsp;  // its revocation, as `poise status` has it; empty: it is not served yet
    std::int64_t stapled_until = 0;  // seconds since 1970; 0: nothing is stapled
    std::string error;               // why it cannot be read; the rest is empty then
};

/// Which of many: an empty text leaves the choice open.
struct ListFilter {
    std::string service;
    std::string server;
    /// Of flows an address. Of persistence what the table is kept by: an address or a text.
    std::string client;
    std::size_t count_max = 100;
};

/// Called on the administration's thread. Calls may wait for the control thread, never for a
/// worker. While the program stops, texts are empty and orders fail.
class Program {
public:
    virtual ~Program() = default;

    /// As `poise status --json` prints it. Pieces that are not there yet ("pair") may be missing.
    virtual std::string status_json() = 0;
    /// The server as it is then, as JSON; nullopt when there is no such one.
    virtual std::optional<std::string> order(const std::string& service, const std::string& server,
                                             ServerOrder order, std::uint32_t weight) = 0;
    /// As `poise why --json` about a request's id or a service; the last ones for an empty text.
    /// nullopt when it is not known.
    virtual std::optional<std::string> incidents_json(const std::string& about) = 0;
    /// The pair's addresses come to this node, or go to the other one. Empty: ordered; else a
    /// sentence that says why not.
    virtual std::string order_pair(PairOrder order) = 0;
    virtual ConfigOutcome reload() = 0;
    /// Is `text` good as poise.yaml, and what would it change? Changes nothing.
    virtual ConfigOutcome check(const std::string& text) = 0;
    virtual std::vector<CertificateFacts> certificates() = 0;
    /// Clients that persistence remembers, the last seen first, as JSON. The error is a sentence:
    /// there is no such service, or it remembers nobody.
    virtual std::expected<std::string, std::string> clients_json(const ListFilter& filter) = 0;
    /// The one of this key, as clients_json() names it, is forgotten. False: there is none.
    virtual bool forget_client(const std::string& service, const std::string& key) = 0;
    /// Flows of layer 4, as JSON.
    virtual std::string flows_json(const ListFilter& filter) = 0;
};

}  // namespace poise::admin
