// The administration's HTTP: sockets, TLS, limits and time; what is answered is a handler's.
#pragma once

#include "admin/feed.hpp"
#include "admin/message.hpp"
#include "base/address.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace poise::admin {

/// The certificate for HTTPS, as PEM texts.
struct TlsIdentity {
    std::string chain_pem;
    std::string key_pem;
};

/// Belongs to the thread that runs its executor's io_context. Bounded: so many connections in
/// all and an address, so many bytes and so much time a request; whoever exceeds them is answered
/// when that makes sense and cut off.
class HttpServer {
public:
    static constexpr std::size_t connections_max = 256;
    static constexpr std::size_t connections_per_address_max = 64;
    static constexpr std::uint32_t head_bytes_max = 16'384;
    static constexpr std::uint64_t body_bytes_max = 4 << 20;
    static constexpr std::chrono::seconds head_time{10};   // TLS handshake; a request's head
    static constexpr std::chrono::seconds body_time{30};   // a request's body
    static constexpr std::chrono::seconds write_time{20};  // an answer, an event
    static constexpr std::chrono::seconds idle_time{75};   // between two requests

    using Handler = std::function<Response(const Request&)>;
    using BodyLimit = std::function<std::uint64_t(const Request& head)>;

    /// `feed` outlives it.
    HttpServer(boost::asio::any_io_executor executor, Handler handler, BodyLimit body_limit,
               Feed& feed);
    ~HttpServer();  // stop() first, and run the executor until running() is 0
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// TLS from now on for listeners that want it. The error is a sentence.
    std::expected<void, std::string> use_identity(const TlsIdentity& identity);

    /// The error is a sentence. TLS needs use_identity() before.
    std::expected<void, std::string> listen(const Address& address, bool tls);
    /// Where it listens; the port that the system gave where 0 was asked for.
    std::vector<Address> places() const;
    void close_listeners();

    void stop();  // closes all; coroutines end soon
    std::size_t running() const;
    std::uint64_t refused() const;  // connections over a limit, ever

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace poise::admin
