// What a worker's TLS listener shakes hands with: the certificates by name, and its settings.
#pragma once

#include "tls/identity.hpp"
#include "tls/library.hpp"
#include "tls/settings.hpp"
#include "tls/ticket_keys.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace poise::tls {

/// Belongs to one worker. Made on any thread before the worker gets it. Must outlive the
/// handshakes of its sessions, not the sessions.
class ServerContext {
public:
    /// `identities`, in the order of the configuration, are not empty and outlive this; the first
    /// is for clients that ask for no name, or for one that no certificate has. `library` and
    /// `tickets` outlive this, too. Throws std::runtime_error when OpenSSL refuses something.
    ServerContext(const Library& library, const std::vector<Identity>& identities,
                  ServerSettings settings, std::shared_ptr<const TicketKeys> tickets);
    ~ServerContext();
    ServerContext(const ServerContext&) = delete;
    ServerContext& operator=(const ServerContext&) = delete;

    /// A session that waits for a client. Throws std::bad_alloc.
    Owned<ssl_st> make_session() const;

    const ServerSettings& settings() const { return settings_; }

    /// The context with the certificates for `name` (any case): an exact name before a wildcard,
    /// which stands for one label (RFC 6125 section 6.4.3).
    ssl_ctx_st* find(std::string_view name) const;

private:
    friend struct Callbacks;
    /// Which identity signs with RSA, which with ECDSA, which with another key: -1 for none.
    struct Choice {
        int by_kind[3] = {-1, -1, -1};
        auto operator<=>(const Choice&) const = default;
        void add(const std::vector<Identity>& identities, int index);
        void complete(const Choice& other);
    };
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    using ByName = std::unordered_map<std::string, ssl_ctx_st*, Hash, std::equal_to<>>;

    ssl_ctx_st* context_for(const Choice& choice);
    Owned<ssl_ctx_st> make(const Choice& choice) const;

    const Library& library_;
    const std::vector<Identity>& identities_;
    ServerSettings settings_;
    std::string protocols_;  // as the wire has them
    std::shared_ptr<const TicketKeys> tickets_;
    std::map<Choice, Owned<ssl_ctx_st>> contexts_;
    std::unordered_map<const x509_st*, const StapleSlot*> staples_;
    ByName exact_;
    ByName wildcards_;  // by what follows "*."
    ssl_ctx_st* fallback_ = nullptr;
};

}  // namespace poise::tls
