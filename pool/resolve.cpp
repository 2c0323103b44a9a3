#include "pool/resolve.hpp"

#include "base/socket_address.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <cstring>

namespace poise::pool {

namespace asio = boost::asio;
using asio::ip::tcp;

Task<Resolved> resolve(std::string host, std::uint16_t port) {
    tcp::resolver resolver(co_await asio::this_coro::executor);
    auto [ec, results] =
        co_await resolver.async_resolve(host, "", asio::as_tuple(asio::use_awaitable));
    if (ec == asio::error::operation_aborted) throw boost::system::system_error(ec);
    Resolved resolved;
    if (ec) resolved.wrong = ec.message();
    for (const auto& result : results) {
        const auto endpoint = result.endpoint();
        sockaddr_storage storage{};
        std::memcpy(&storage, endpoint.data(), endpoint.size());
        auto address = to_address(storage);
        address.port = port;
        resolved.found.push_back(address);
    }
    if (resolved.found.empty() && resolved.wrong.empty()) resolved.wrong = "no address";
    co_return resolved;
}

}  // namespace poise::pool
