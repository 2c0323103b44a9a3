#include "proxy/http2_upstreams.hpp"

#include "base/engine.hpp"
#include "pool/real_server.hpp"
#include "proxy/http2_connection.hpp"

#include <algorithm>
#include <utility>

namespace poise::proxy {

namespace {

constexpr Http2Connection::Limits head_limits{.header_bytes = 131'072, .header_fields = 200};
constexpr std::chrono::hours no_limit{24};  // while requests run, theirs are the limits

}  // namespace

struct Http2Upstream {
    Http2Upstream(Engine& engine, BufferPool& buffers, Http2Memory& memory,
                  std::unique_ptr<Stream> connected)
        : waiter(engine),
          stream(std::move(connected)),
          in(buffers),
          http2(Http2Connection::Role::client, *stream, waiter, buffers, memory, head_limits) {}
    ~Http2Upstream() {
        if (of != nullptr) std::erase(of->connections, this);
    }

    bool may_end() const { return http2.running() == 0 && (retired || http2.is_closing()); }

    Waiter waiter;
    std::unique_ptr<Stream> stream;
    Buffer in;
    Http2Connection http2;
    Http2Upstreams::Server* of = nullptr;  // null: not listed any more
    std::chrono::milliseconds idle{};
    std::uint32_t address_generation = 0;
    bool retired = false;  // the server is not known any more
};

Http2Upstreams::Http2Upstreams(Engine& engine, BufferPool& buffers, Http2Memory& memory)
    : engine_(engine), buffers_(buffers), memory_(memory) {}

Http2Upstreams::~Http2Upstreams() = default;

Http2Upstreams::Server* Http2Upstreams::find(const pool::RealServer& server) {
    const auto found = by_server_.find(&server);
    return found == by_server_.end() ? nullptr : found->second.get();
}

std::unique_ptr<Stream> Http2Upstreams::open(const pool::RealServer& server) {
    Server* known = find(server);
    if (known == nullptr) return nullptr;
    for (Http2Upstream* connection : known->connections) {
        if (connection->address_generation != server.address_generation()) {
            connection->retired = true;  // the name has another address now
            connection->waiter.wake();
            continue;
        }
        if (connection->stream->hung_up()) continue;
        if (auto stream = connection->http2.open()) return stream;
    }
    return nullptr;
}

std::unique_ptr<Stream> Http2Upstreams::add(const pool::RealServer& server,
                                            std::unique_ptr<Stream> connected,
                                            std::chrono::milliseconds idle) {
    Server* known = find(server);
    if (known == nullptr) return nullptr;
    auto connection =
        std::make_unique<Http2Upstream>(engine_, buffers_, memory_, std::move(connected));
    connection->of = known;
    connection->idle = idle;
    connection->address_generation = server.address_generation();
    known->connections.push_back(connection.get());
    auto stream = connection->http2.open();
    engine_.spawn(run, std::move(connection));
    return stream;
}

Task<void> Http2Upstreams::run(std::unique_ptr<Http2Upstream> owned) {
    Http2Upstream& upstream = *owned;
    Http2Connection& http2 = upstream.http2;
    bool was_idle = false;
    upstream.waiter.expires_after(no_limit);
    for (;;) {
        const auto turn = http2.turn(upstream.in);
        if (turn == Http2Connection::Turn::ended || upstream.may_end()) break;
        for (std::size_t n = http2.free_streams(); n > 0 && upstream.of != nullptr; --n)
            if (!upstream.of->line.call_next()) break;
        const bool is_idle = http2.running() == 0;
        if (is_idle != std::exchange(was_idle, is_idle))
            upstream.waiter.expires_after(is_idle ? upstream.idle
                                                  : std::chrono::milliseconds(no_limit));
        if (turn == Http2Connection::Turn::again) upstream.waiter.wake();
        http2.arm();
        const Wake why = co_await upstream.waiter.sleep();
        if (why == Wake::cancelled) break;
        if (why == Wake::timed_out && http2.running() == 0) {
            http2.end_now(0);
            http2.turn(upstream.in);
            break;
        }
    }
    if (upstream.of != nullptr) upstream.of->line.call_next();  // there is room for another
}

WaitLine* Http2Upstreams::line(const pool::RealServer& server) {
    Server* known = find(server);
    if (known == nullptr) return nullptr;
    const bool full = known->connections.size() >= connections_max;
    const bool soon =
        known->making > 0 || std::ranges::any_of(known->connections, [](const Http2Upstream* one) {
            return !one->http2.settings_came();
        });
    return soon || full ? &known->line : nullptr;
}

Http2Upstreams::Making::Making(Http2Upstreams& upstreams, const pool::RealServer& server)
    : upstreams_(upstreams), server_(server) {
    if (Server* known = upstreams_.find(server_)) ++known->making;
}

Http2Upstreams::Making::~Making() {
    Server* known = upstreams_.find(server_);
    if (known == nullptr || known->making == 0) return;
    --known->making;
    known->line.call_all();
}

void Http2Upstreams::serve(std::span<const pool::RealServer* const> known) {
    for (auto next = by_server_.begin(); next != by_server_.end();) {
        if (std::ranges::find(known, next->first) != known.end()) {
            ++next;
            continue;
        }
        for (Http2Upstream* connection : next->second->connections) {
            connection->retired = true;
            connection->of = nullptr;
            connection->waiter.wake();
        }
        next->second->connections.clear();
        next->second->line.call_all();
        gone_.push_back(std::move(next->second));
        next = by_server_.erase(next);
    }
    std::erase_if(gone_, [](const auto& server) { return server->line.empty(); });
    for (const pool::RealServer* server : known)
        by_server_.try_emplace(server, nullptr);
    for (auto& [server, entry] : by_server_)
        if (!entry) entry = std::make_unique<Server>();
}

}  // namespace poise::proxy
