#include "admin/http_connection.hpp"

#include "admin/http_server.hpp"
#include "admin/problem.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unistd.h>

namespace poise::admin {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;
using Message = http::response<http::string_body>;

namespace {

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds heartbeat{15};  // of a stream of events that has nothing to tell

// What a browser may do with an answer: nothing from elsewhere, nothing elsewhere.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> guards{{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
}};

Method method_of(http::verb verb) {
    switch (verb) {
        case http::verb::get:
            return Method::get;
        case http::verb::head:
            return Method::head;
        case http::verb::post:
            return Method::post;
        case http::verb::put:
            return Method::put;
        case http::verb::delete_:
            return Method::delete_;
        default:
            return Method::other;
    }
}

Request request_of(Parser& parser, const Address& client, bool tls) {
    auto& message = parser.get();
    const auto field = [&message](auto name) { return std::string(message[name]); };
    const std::string target(message.target());
    const std::size_t mark = std::min(target.find('?'), target.size());
    return {.method = method_of(message.method()),
            .path = target.substr(0, mark),
            .query = target.substr(std::min(mark + 1, target.size())),
            .body = std::move(message.body()),
            .client = client,
            .tls = tls,
            .host = field(http::field::host),
            .origin = field(http::field::origin),
            .cookie = field(http::field::cookie),
            .authorization = field(http::field::authorization),
            .csrf = field("X-CSRF-Token"),
            .content_type = field(http::field::content_type),
            .if_none_match = field(http::field::if_none_match)};
}

Message message_of(Response response, bool keep_alive, bool head_only) {
    Message message{static_cast<http::status>(response.status), 11};
    for (const auto& [name, value] : guards)
        message.set(beast::string_view(name.data(), name.size()), value);
    message.set(http::field::cache_control, response.cacheable ? "no-cache" : "no-store");
    if (!response.type.empty()) message.set(http::field::content_type, response.type);
    for (const auto& [name, value] : response.fields)
        message.insert(name, value);
    message.keep_alive(keep_alive);
    if (response.may_stream) return message;  // ends with the connection
    const std::size_t length = response.body.size();
    if (!head_only) message.body() = std::move(response.body);
    message.content_length(length);
    return message;
}

// What is said to a request that could not be read; nullopt when nobody would listen. One that
// is too slow is cut off: Beast closes a socket whose time is over.
std::optional<Response> answer_to_bad(const error_code& error) {
    if (error == http::error::body_limit)
        return problem(413, "too-large", "The body is too large",
                       "at most 4 MiB are taken from an administrator, 16 KiB from others");
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return problem(431, "head-too-large", "The request's head is too large",
                       "at most 16 KiB are taken");
    const bool foreign = error.category() == make_error_code(http::error::bad_method).category();
    if (!foreign || error == http::error::end_of_stream || error == http::error::partial_message)
        return std::nullopt;
    return problem(400, "no-http", "This is no HTTP request", error.message());
}

// One connection, over TCP or TLS.
template <typename Stream>
class Connection {
public:
    Connection(HttpContext& context, Stream& stream, const Address& client, bool tls)
        : context_(context), stream_(stream), client_(client), tls_(tls) {}

    Task<void> serve();

private:
    beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }
    Task<error_code> read(Parser& parser);
    Task<bool> write(Message& message);
    Task<void> stream_events(std::function<bool()> may_stream);

    HttpContext& context_;
    Stream& stream_;
    const Address client_;
    const bool tls_;
    beast::flat_buffer buffer_{HttpServer::body_bytes_max + HttpServer::head_bytes_max};
};

template <typename Stream>
Task<void> Connection<Stream>::serve() {
    for (;;) {
        Parser parser;
        const error_code error = co_await read(parser);
        if (error) {
            auto answer = answer_to_bad(error);
            if (!answer) co_return;
            Message message = message_of(std::move(*answer), false, false);
            co_await write(message);
            co_return;
        }
        const bool keep_alive = parser.get().keep_alive();
        const bool head_only = parser.get().method() == http::verb::head;
        Response response = context_.handler(request_of(parser, client_, tls_));
        std::function<bool()> may_stream = std::move(response.may_stream);
        const bool is_stream = may_stream != nullptr && !head_only;
        response.may_stream = is_stream ? [] { return true; } : std::function<bool()>();
        Message message = message_of(std::move(response), keep_alive && !is_stream, head_only);
        if (!co_await write(message)) co_return;
        if (is_stream) co_return co_await stream_events(std::move(may_stream));
        if (!keep_alive) co_return;
    }
}

template <typename Stream>
Task<error_code> Connection<Stream>::read(Parser& parser) {
    parser.header_limit(HttpServer::head_bytes_max);
    parser.body_limit(HttpServer::body_bytes_max);
    // The next request may be long in coming, but once begun its head is not.
    if (buffer_.size() == 0) {
        lowest().expires_after(HttpServer::idle_time);
        auto [waited, n] = co_await stream_.async_read_some(buffer_.prepare(4096), as_value);
        if (waited)
            co_return waited == asio::error::eof ? error_code(http::error::end_of_stream)
            : waited == beast::error::timeout    ? error_code(http::error::end_of_stream)
                                                 : waited;
        buffer_.commit(n);
    }
    lowest().expires_after(HttpServer::head_time);
    auto [head_error, head_bytes] =
        co_await http::async_read_header(stream_, buffer_, parser, as_value);
    if (head_error || parser.is_done()) co_return head_error;
    const std::uint64_t most = context_.body_limit(request_of(parser, client_, tls_));
    parser.body_limit(most);
    if (parser.content_length().value_or(0) > most) co_return http::error::body_limit;
    lowest().expires_after(HttpServer::body_time);
    if (parser.get()[http::field::expect] == "100-continue") {
        http::response<http::empty_body> go_on{http::status::continue_, 11};
        auto [error, sent] = co_await http::async_write(stream_, go_on, as_value);
        if (error) co_return error;
    }
    auto [error, bytes] = co_await http::async_read(stream_, buffer_, parser, as_value);
    co_return error;
}

template <typename Stream>
Task<bool> Connection<Stream>::write(Message& message) {
    lowest().expires_after(HttpServer::write_time);
    http::response_serializer<http::string_body> serializer{message};
    const bool has_length = message.has_content_length();
    if (!has_length) {
        auto [error, bytes] = co_await http::async_write_header(stream_, serializer, as_value);
        co_return !error;
    }
    auto [error, bytes] = co_await http::async_write(stream_, serializer, as_value);
    co_return !error;
}

// Leaves the feed also when its coroutine is cancelled.
struct Joined {
    Joined(Feed& to, Feed::Reader& as) : feed(to), reader(as) { feed.join(reader); }
    ~Joined() { feed.leave(reader); }
    Joined(const Joined&) = delete;
    Joined& operator=(const Joined&) = delete;

    Feed& feed;
    Feed::Reader& reader;
};

template <typename Stream>
Task<void> Connection<Stream>::stream_events(std::function<bool()> may_stream) {
    asio::steady_timer timer(stream_.get_executor());
    Feed::Reader reader;
    reader.wake = [&timer] { timer.cancel(); };
    const Joined joined(context_.feed, reader);
    lowest().expires_never();  // between two events; each write has its own limit
    while (may_stream()) {
        Feed::Text text;
        if (reader.queue.empty()) {
            timer.expires_after(heartbeat);
            auto [woken] = co_await timer.async_wait(as_value);
            if (!woken) text = std::make_shared<const std::string>(": still here\n\n");
            if (woken && reader.queue.empty()) co_return;  // the server stops
        }
        if (!reader.queue.empty()) {
            text = std::move(reader.queue.front());
            reader.queue.pop_front();
        }
        lowest().expires_after(HttpServer::write_time);
        auto [error, bytes] = co_await asio::async_write(stream_, asio::buffer(*text), as_value);
        if (error) co_return;
        lowest().expires_never();
    }
}

// Is in the list of open connections as long as it lives.
class Registered {
public:
    Registered(HttpContext& context, OpenConnection connection)
        : context_(context), connection_(std::move(connection)) {
        context_.open.push_back(&connection_);
    }
    ~Registered() { context_.open.remove(&connection_); }
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;

private:
    HttpContext& context_;
    OpenConnection connection_;
};

Task<void> serve_tls(HttpContext& context, tcp::socket socket, const Address& client) {
    const auto tls = context.tls;  // may be exchanged meanwhile
    beast::ssl_stream<beast::tcp_stream> stream(std::move(socket), *tls);
    beast::tcp_stream& lowest = beast::get_lowest_layer(stream);
    const Registered registered(context, {client, [&lowest] { lowest.close(); }});
    lowest.expires_after(HttpServer::head_time);
    auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, as_value);
    if (error) co_return;
    Connection<beast::ssl_stream<beast::tcp_stream>> connection(context, stream, client, true);
    co_await connection.serve();
    lowest.expires_after(std::chrono::seconds(2));
    co_await stream.async_shutdown(as_value);
}

Task<void> serve_plain(HttpContext& context, tcp::socket socket, const Address& client) {
    beast::tcp_stream stream(std::move(socket));
    const Registered registered(context, {client, [&stream] { stream.close(); }});
    Connection<beast::tcp_stream> connection(context, stream, client, false);
    co_await connection.serve();
    error_code ignored;  // the client may be gone
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

std::size_t HttpContext::count_of(const Address& client) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        open, [&](const OpenConnection* one) { return one->client.ip == client.ip; }));
}

void HttpContext::close_all() const {
    for (OpenConnection* const connection : open)
        connection->close();
}

Task<void> run_connection(HttpContext* context, int fd, Address client, bool tls) {
    const auto executor = co_await asio::this_coro::executor;
    tcp::socket socket(executor);
    error_code error;
    socket.assign(client.is_v4() ? tcp::v4() : tcp::v6(), fd, error);
    if (error) {
        ::close(fd);
        co_return;
    }
    if (tls && context->tls) {
        co_await serve_tls(*context, std::move(socket), client);
    } else {
        co_await serve_plain(*context, std::move(socket), client);
    }
}

}  // namespace poise::admin
