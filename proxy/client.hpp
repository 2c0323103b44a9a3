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

namespace poise::proxy {

/// The state of one connection, on one worker. Small: thousands of them idle. Counted as a session
/// of its service for as long as it lives.
class Client {
public:
    /// `on` outlives this and has been told of the session (Worker::begin_session). `service` is
    /// the index, in the current generation, of what listens on `listens`.
    Client(Worker& on, std::unique_ptr<Stream> connection, std::size_t service,
           const Address& listens);
    /// One request of many on `connection`, which outlives this: with a stream and a waiter of its
    /// own, and no session of its own.
    Client(Client& connection, std::unique_ptr<MessageStream> request);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    WorkerService& worker_service() const { return *generation_->services[service_]; }
    const std::shared_ptr<WorkerGeneration>& generation() const { return generation_; }

    /// The place, among the service's listeners, of the one that took the connection.
    std::size_t listen_index() const;
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
    MessageStream* message = nullptr;  // `stream`, when this is one request of many
    Waiter waiter;
    Address address;  // the peer's, or the one its PROXY header names
    Address dialled;  // the address the client connected to, or the one its PROXY header names
    Buffer in;        // what came and is not used up
    std::uint64_t requests = 0;
    std::size_t requests_running = 0;  // those with a Client of their own
    bool tls = false;                  // `stream` is TLS, or that of the connection is
    /// What servers are told of the client's certificate; null: none was asked for.
    std::shared_ptr<const std::string> certificate_fields;

private:
    PinnedUpstreams own_pinned_;

public:
    PinnedUpstreams& pinned;  // of the connection

private:
    Client* connection_ = nullptr;  // null: this is the connection
    Address listening_;             // the listener's: finds the service again after a reload
    std::shared_ptr<WorkerGeneration> generation_;
    std::size_t service_;
};

}  // namespace poise::proxy
