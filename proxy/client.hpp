// A client's connection as its session knows it: what lives as long as the connection does.
#pragma once

#include "base/stream.hpp"
#include "base/waiter.hpp"
#include "proxy/buffer.hpp"
#include "proxy/forwarded.hpp"
#include "proxy/message_stream.hpp"
#include "proxy/pinned_upstreams.hpp"
#include "proxy/worker.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace poise::proxy {

/// The state of one connection, on one worker. Small: thousands of them idle. Counted as a session
/// of its service for as long as it lives.
class Client {
public:
    /// `on` outlives this and has been told of the session (Worker::begin_session). It came in by
    /// a listener of `service`, the `listen`th one, in `generation`.
    Client(Worker& on, std::unique_ptr<Stream> connection,
           std::shared_ptr<WorkerGeneration> generation, std::size_t service, std::size_t listen);
    /// One request of many on `connection`, which outlives this: with a stream and a waiter of its
    /// own, and no session of its own.
    Client(Client& connection, std::unique_ptr<MessageStream> request);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    WorkerService& worker_service() const { return *generation_->services[service_]; }
    const std::shared_ptr<WorkerGeneration>& generation() const { return generation_; }

    /// The place, among the service's listeners, of the one that took the connection.
    std::size_t listen_index() const { return listen_; }
    /// Null: this is the connection, or the only request on it. Else `stream`.
    MessageStream* message() const {
        return connection_ != nullptr ? static_cast<MessageStream*>(stream.get()) : nullptr;
    }
    /// Servers' connections that belong to this client's connection.
    PinnedUpstreams& pinned() { return connection_ != nullptr ? connection_->pinned_ : pinned_; }
    /// What servers are told of the client's certificate; empty: none was asked for.
    std::string_view certificate_fields() const;
    void set_certificate_fields(std::string fields);
    /// Between two requests: goes on with the generation now in force. False: nobody listens
    /// there any more, and the client keeps its generation.
    bool follow_reload();
    /// This connection is to end after the present request: Poise stops, or nobody listens there
    /// any more.
    bool is_leaving() const;
    /// HTTP/2 may be spoken where the client came in.
    bool may_speak_http2() const;

    Worker& worker;
    std::unique_ptr<Stream> stream;
    Waiter waiter;
    Buffer in;           // what came and is not used up
    Address address;     // the peer's, or the one its PROXY header names
    Address dialled;     // the address the client connected to, or the one its PROXY header names
    bool tls = false;    // `stream` is TLS, or that of the connection is
    bool asked = false;  // a request has come
    std::uint32_t requests_running = 0;  // those with a Client of their own

private:
    const config::Listen& listening() const;

    // Indices in the generation: of the service, and of the listener among the service's.
    std::uint32_t service_;
    std::uint32_t listen_;
    std::shared_ptr<WorkerGeneration> generation_;
    Client* connection_ = nullptr;  // null: this is the connection
    PinnedUpstreams pinned_;
    std::unique_ptr<const std::string> certificate_fields_;
};

}  // namespace poise::proxy
