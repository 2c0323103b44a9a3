// What a worker's connections to real servers shake hands with.
#pragma once

#include "base/address.hpp"
#include "tls/identity.hpp"
#include "tls/library.hpp"
#include "tls/settings.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

struct ssl_session_st;

namespace poise::tls {

/// Whom a connection is made to.
struct ServerName {
    std::string_view name;           // SNI, and what the certificate must name; empty: the address
    std::optional<Address> address;  // what the certificate must name when there is no name
    const void* server = nullptr;    // whose sessions are resumed; never dereferenced; null: none
    bool http2 = false;              // nothing else is to be spoken inside
};

/// How `server` is called by the service's settings, both of which outlive the name.
ServerName name_of(const config::ServerTls& settings, const config::Server& server);

/// Belongs to one worker. Made on any thread before the worker gets it; outlives its sessions.
class ClientContext {
public:
    /// `library` outlives this. Throws std::runtime_error when OpenSSL refuses something.
    ClientContext(const Library& library, const ClientSettings& settings);
    ~ClientContext();
    ClientContext(const ClientContext&) = delete;
    ClientContext& operator=(const ClientContext&) = delete;

    /// A session that starts a handshake, as a resumption when the server has given a ticket.
    /// Throws std::bad_alloc.
    Owned<ssl_st> make_session(const ServerName& to);

private:
    friend struct ClientCallbacks;
    struct FreeSession {
        void operator()(ssl_session_st* session) const;
    };

    bool verify_;
    std::optional<Identity> identity_;
    Owned<ssl_ctx_st> context_;
    // The last ticket of each server.
    std::unordered_map<const void*, std::unique_ptr<ssl_session_st, FreeSession>> tickets_;
};

}  // namespace poise::tls
