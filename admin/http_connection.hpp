// One connection to the administration: TLS, requests one after the other, a stream of events.
#pragma once

#include "admin/feed.hpp"
#include "admin/message.hpp"
#include "base/address.hpp"
#include "base/task.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>

namespace boost::asio::ssl {
class context;  // NOLINT(readability-identifier-naming): of Asio
}

namespace poise::admin {

/// A connection that is open, so that a stop can close it.
struct OpenConnection {
    Address client;
    std::function<void()> close;
};

/// What all connections of a server share; outlives them.
struct HttpContext {
    std::function<Response(const Request&)> handler;
    std::function<std::uint64_t(const Request& head)> body_limit;
    Feed& feed;
    std::shared_ptr<boost::asio::ssl::context> tls = {};
    std::list<OpenConnection*> open = {};

    std::size_t count_of(const Address& client) const;  // by the address without its port
    void close_all() const;
};

/// Serves the connected socket `fd`, which it owns, until its end. Throws nothing but what a bug
/// does.
Task<void> run_connection(HttpContext* context, int fd, Address client, bool tls);

}  // namespace poise::admin
