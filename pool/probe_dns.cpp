// dns: the server answers a query over UDP without an error.
#include "base/socket_address.hpp"
#include "pool/conversation.hpp"
#include "pool/dns_message.hpp"
#include "pool/probe.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <memory>
#include <random>

namespace poise::pool {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

namespace {

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

struct Exchange {
    explicit Exchange(const asio::any_io_executor& executor) : socket(executor), timer(executor) {}

    // Closing the socket ends the receive in flight.
    static void arm(const std::shared_ptr<Exchange>& self, std::chrono::milliseconds limit) {
        self->timer.expires_after(limit);
        self->timer.async_wait([weak = std::weak_ptr(self)](error_code ec) {
            const auto exchange = weak.lock();
            if (ec || !exchange) return;
            exchange->expired = true;
            error_code ignored;  // it is closed in any case
            exchange->socket.close(ignored);
        });
    }

    std::string open(const Address& server, const std::string& query) {
        const SocketAddress from(server);
        udp::endpoint endpoint;
        endpoint.resize(from.length);
        std::memcpy(endpoint.data(), from.get(), from.length);
        error_code ec;
        socket.open(endpoint.protocol(), ec);
        // Connected: only this server's answers come in, and its refusals too.
        if (!ec) socket.connect(endpoint, ec);
        if (!ec) socket.send(asio::buffer(query), 0, ec);
        return ec ? failure_text(ec.value(), "sending the query") : "";
    }

    udp::socket socket;
    asio::steady_timer timer;
    bool expired = false;
};

}  // namespace

Task<std::string> probe_dns(const config::HealthCheck& check, const ProbeTarget& target) {
    const auto query =
        make_dns_query(static_cast<std::uint16_t>(std::random_device{}()), check.query);
    if (query.empty()) co_return fmt::format("\"{}\" is no DNS name", check.query);

    const auto exchange = std::make_shared<Exchange>(co_await this_executor());
    Exchange::arm(exchange, check.timeout);
    if (auto wrong = exchange->open(target.server, query); !wrong.empty()) co_return wrong;
    std::array<char, 1232> buffer;
    for (;;) {
        auto [ec, bytes] = co_await exchange->socket.async_receive(asio::buffer(buffer), use_tuple);
        if (exchange->expired)
            co_return fmt::format("timed out after {} waiting for the answer",
                                  duration_text(check.timeout));
        if (ec == asio::error::operation_aborted) throw boost::system::system_error(ec);
        if (ec) co_return failure_text(ec.value(), "waiting for the answer");
        const auto code = dns_response_code({buffer.data(), bytes}, query);
        if (!code) continue;  // somebody else's answer, or a late one
        co_return *code == 0 ? ""
                             : fmt::format("answered {}, expected NOERROR", dns_code_name(*code));
    }
}

}  // namespace poise::pool
