#include "pool/conversation.hpp"

#include "base/socket_address.hpp"
#include "pool/tls_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

namespace poise::pool {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

tcp::endpoint endpoint_of(const Address& address) {
    const SocketAddress from(address);
    tcp::endpoint endpoint;
    endpoint.resize(from.length);
    std::memcpy(endpoint.data(), from.get(), from.length);
    return endpoint;
}

}  // namespace

struct Conversation::Impl {
    Impl(const asio::any_io_executor& executor, milliseconds time_limit)
        : socket(executor), timer(executor), limit(time_limit) {}

    // Closing the socket ends whatever is in flight on it.
    static void arm(const std::shared_ptr<Impl>& self) {
        self->timer.expires_after(self->limit);
        self->timer.async_wait([weak = std::weak_ptr(self)](error_code ec) {
            const auto impl = weak.lock();
            if (ec || !impl) return;
            impl->expired = true;
            error_code ignored;  // it is closed in any case
            impl->socket.close(ignored);
        });
    }

    std::string explain(error_code ec, std::string_view doing) const {
        if (expired) return fmt::format("timed out after {} {}", duration_text(limit), doing);
        if (ec == asio::error::operation_aborted) throw boost::system::system_error(ec);
        return failure_text(ec.value(), doing);
    }

    Task<std::string> send_bytes(std::string bytes);
    Task<std::string> receive_bytes(std::string_view what, std::string& into);
    Task<std::string> receive_opened(std::string_view what);

    tcp::socket socket;
    asio::steady_timer timer;
    milliseconds limit;
    bool expired = false;
    bool ended = false;
    std::optional<TlsClient> tls;
    std::string received;
};

Task<std::string> Conversation::Impl::send_bytes(std::string bytes) {
    auto [ec, sent] = co_await asio::async_write(socket, asio::buffer(bytes), use_tuple);
    co_return ec ? explain(ec, "sending") : "";
}

Task<std::string> Conversation::Impl::receive_bytes(std::string_view what, std::string& into) {
    std::array<char, 4096> buffer;
    auto [ec, bytes] = co_await socket.async_read_some(asio::buffer(buffer), use_tuple);
    into.append(buffer.data(), bytes);
    if (ec == asio::error::eof) {
        ended = true;
        co_return "";
    }
    co_return ec ? explain(ec, fmt::format("waiting for {}", what)) : "";
}

// A server that closes without a goodbye has ended, too: many do.
Task<std::string> Conversation::Impl::receive_opened(std::string_view what) {
    for (;;) {
        const auto step = tls->read(received);
        if (step == TlsClient::Step::done) co_return "";
        if (step == TlsClient::Step::failed) co_return tls->error();
        if (step == TlsClient::Step::ended) ended = true;
        if (ended) co_return "";
        std::string sealed;
        if (auto wrong = co_await receive_bytes(what, sealed); !wrong.empty()) co_return wrong;
        tls->input(sealed);
    }
}

Conversation::Conversation(asio::any_io_executor executor, milliseconds limit)
    : impl_(std::make_shared<Impl>(executor, limit)) {
    Impl::arm(impl_);
}

Conversation::~Conversation() {
    impl_->timer.cancel();
    error_code ignored;  // nothing can be done about a close that fails
    impl_->socket.close(ignored);
}

Task<std::string> Conversation::connect(Address to) {
    constexpr std::string_view doing = "connecting";
    const auto endpoint = endpoint_of(to);
    error_code ec;
    impl_->socket.open(endpoint.protocol(), ec);
    if (ec) co_return impl_->explain(ec, doing);
    auto [connected] = co_await impl_->socket.async_connect(endpoint, use_tuple);
    if (connected || impl_->expired) co_return impl_->explain(connected, doing);
    co_return "";
}

Task<std::string> Conversation::start_tls(tls::Owned<ssl_st> session) {
    constexpr std::string_view doing = "the handshake";
    TlsClient& tls = impl_->tls.emplace(std::move(session));
    for (;;) {
        const auto step = tls.handshake();
        if (auto output = tls.output(); !output.empty()) {
            auto wrong = co_await impl_->send_bytes(std::move(output));
            if (!wrong.empty() && step != TlsClient::Step::failed) co_return wrong;
        }
        if (step == TlsClient::Step::done) co_return "";
        if (step == TlsClient::Step::failed) co_return tls.error();
        if (impl_->ended || step == TlsClient::Step::ended) co_return "closed during the handshake";
        std::string sealed;
        if (auto wrong = co_await impl_->receive_bytes(doing, sealed); !wrong.empty())
            co_return wrong;
        tls.input(sealed);
    }
}

Task<void> Conversation::end_tls() {
    if (!impl_->tls) co_return;
    impl_->tls->close();
    co_await impl_->send_bytes(impl_->tls->output());  // best effort: the verdict stands
}

Task<std::string> Conversation::send(std::string text) {
    if (!impl_->tls) co_return co_await impl_->send_bytes(std::move(text));
    if (!impl_->tls->write(text)) co_return impl_->tls->error();
    co_return co_await impl_->send_bytes(impl_->tls->output());
}

Task<std::string> Conversation::receive(std::string_view what) {
    if (impl_->received.size() >= received_bytes_max)
        co_return fmt::format("more than {} bytes before the end of {}", received_bytes_max, what);
    if (impl_->tls) co_return co_await impl_->receive_opened(what);
    co_return co_await impl_->receive_bytes(what, impl_->received);
}

const std::string& Conversation::received() const {
    return impl_->received;
}

bool Conversation::ended() const {
    return impl_->ended;
}

Task<asio::any_io_executor> this_executor() {
    co_return co_await asio::this_coro::executor;
}

std::string duration_text(milliseconds duration) {
    if (duration.count() % 1000 == 0) return fmt::format("{}s", duration.count() / 1000);
    return fmt::format("{}ms", duration.count());
}

std::string failure_text(int error, std::string_view doing) {
    switch (error) {
        case ECONNREFUSED:
            return "connect refused";
        case ECONNRESET:
            return fmt::format("connection reset {}", doing);
        case EHOSTUNREACH:
            return "no route to the host";
        case ENETUNREACH:
            return "no route to the network";
        case ETIMEDOUT:
            return fmt::format("the network gave up {}", doing);
        default:
            return fmt::format("{} {}", std::generic_category().message(error), doing);
    }
}

}  // namespace poise::pool
