#include "admin/http_server.hpp"

#include "admin/http_connection.hpp"
#include "base/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <list>
#include <utility>

namespace poise::admin {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds accept_pause{200};
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

Address address_of(const tcp::endpoint& endpoint) {
    Address address;
    const auto bytes =
        endpoint.address().is_v4()
            ? asio::ip::make_address_v6(asio::ip::v4_mapped, endpoint.address().to_v4()).to_bytes()
            : endpoint.address().to_v6().to_bytes();
    std::copy(bytes.begin(), bytes.end(), address.ip.begin());
    address.port = endpoint.port();
    return address;
}

tcp::endpoint endpoint_of(const Address& address) {
    asio::ip::address_v6::bytes_type bytes{};
    std::copy(address.ip.begin(), address.ip.end(), bytes.begin());
    const asio::ip::address_v6 six(bytes);
    if (address.is_v4()) return {asio::ip::make_address_v4(asio::ip::v4_mapped, six), address.port};
    return {six, address.port};
}

struct Listener {
    Listener(const asio::any_io_executor& executor, bool is_tls)
        : acceptor(executor), tls(is_tls) {}

    tcp::acceptor acceptor;
    bool tls;
    bool closed = false;
};

}  // namespace

struct HttpServer::Impl {
    Impl(asio::any_io_executor on, Handler to, BodyLimit limit, Feed& events)
        : executor(on), tasks(on), context{std::move(to), std::move(limit), events} {}

    bool has_room(const Address& client) const;
    void take(tcp::socket socket, bool tls);

    asio::any_io_executor executor;
    TaskGroup tasks;
    HttpContext context;
    std::function<void(tcp::socket, bool)> on_accepted;
    std::list<std::shared_ptr<Listener>> listeners;
    std::uint64_t refused = 0;
    bool stopped = false;
};

namespace {

Task<void> run_listener(std::function<void(tcp::socket, bool)>* take,
                        std::shared_ptr<Listener> listener) {
    asio::steady_timer pause(listener->acceptor.get_executor());
    while (!listener->closed) {
        auto [error, socket] = co_await listener->acceptor.async_accept(as_value);
        if (listener->closed || error == asio::error::operation_aborted) co_return;
        if (!error) {
            (*take)(std::move(socket), listener->tls);
            continue;
        }
        pause.expires_after(accept_pause);  // no descriptor is free, most likely
        auto [cancelled] = co_await pause.async_wait(as_value);
        if (cancelled) co_return;
    }
}

}  // namespace

bool HttpServer::Impl::has_room(const Address& client) const {
    return context.open.size() < connections_max &&
           context.count_of(client) < connections_per_address_max;
}

void HttpServer::Impl::take(tcp::socket socket, bool tls) {
    error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error || stopped) return;
    const Address client = address_of(peer);
    if (!has_room(client)) {
        ++refused;
        return;  // closes it
    }
    socket.set_option(tcp::no_delay(true), error);
    const int fd = socket.release(error);
    if (!error) tasks.spawn(run_connection, &context, fd, client, tls);
}

HttpServer::HttpServer(asio::any_io_executor executor, Handler handler, BodyLimit body_limit,
                       Feed& feed)
    : impl_(std::make_unique<Impl>(executor, std::move(handler), std::move(body_limit), feed)) {
    impl_->on_accepted = [impl = impl_.get()](tcp::socket socket, bool tls) {
        impl->take(std::move(socket), tls);
    };
}

HttpServer::~HttpServer() = default;

std::expected<void, std::string> HttpServer::use_identity(const TlsIdentity& identity) {
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    error_code error;
    context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv3 |
                             asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1,
                         error);
    context->use_certificate_chain(asio::buffer(identity.chain_pem), error);
    if (!error)
        context->use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem, error);
    if (error) {
        return std::unexpected(fmt::format(
            "the certificate of the administration cannot be used: {}", error.message()));
    }
    impl_->context.tls = std::move(context);
    return {};
}

std::expected<void, std::string> HttpServer::listen(const Address& address, bool tls) {
    auto listener = std::make_shared<Listener>(impl_->executor, tls);
    const tcp::endpoint endpoint = endpoint_of(address);
    error_code error;
    auto& acceptor = listener->acceptor;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error && endpoint.protocol() == tcp::v6() && address.is_any())
        acceptor.set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
        return std::unexpected(fmt::format("the administration cannot listen on {}: {}",
                                           to_string(address), error.message()));
    }
    impl_->listeners.push_back(listener);
    impl_->tasks.spawn(run_listener, &impl_->on_accepted, listener);
    return {};
}

std::vector<Address> HttpServer::places() const {
    std::vector<Address> places;
    for (const auto& listener : impl_->listeners) {
        error_code error;
        places.push_back(address_of(listener->acceptor.local_endpoint(error)));
    }
    return places;
}

void HttpServer::close_listeners() {
    error_code ignored;  // nothing to do about a failing close
    for (const auto& listener : impl_->listeners) {
        listener->closed = true;
        listener->acceptor.close(ignored);
    }
    impl_->listeners.clear();
}

void HttpServer::stop() {
    impl_->stopped = true;
    close_listeners();
    impl_->context.close_all();
    impl_->tasks.cancel();
}

std::size_t HttpServer::running() const {
    return impl_->tasks.running();
}

std::uint64_t HttpServer::refused() const {
    return impl_->refused;
}

}  // namespace poise::admin
