#include "proxy/tunnel.hpp"

#include "base/engine.hpp"
#include "base/tcp_stream.hpp"
#include "proxy/body_pump.hpp"

#include <utility>

namespace poise::proxy {

namespace {

using State = BodyPump::State;

// One direction: a message without a length, ended by the sender's close.
struct Relay {
    Relay(Stream& source, Stream& sink, BufferPool& buffers, Buffer&& first)
        : from(source), to(sink), pump(buffers) {
        BodyPump::Message message;
        message.framing = message.framing_out = Framing::until_close;
        pump.start(message, std::move(first));
    }

    // True while it may go on.
    bool step() {
        if (done) return true;
        state = pump.step(from, to);
        if (state == State::ended) {
            done = true;
            to.shutdown_send();
        }
        return state != State::source_cut && state != State::sink_failed;
    }
    bool again() const { return !done && state == State::again; }

    Stream& from;
    Stream& to;
    BodyPump pump;
    State state = State::again;
    bool done = false;
};

Direction direction(bool read, bool write) {
    return static_cast<Direction>((read ? 1 : 0) | (write ? 2 : 0));
}

// A side that nothing is wanted of is not watched: a reset of it shows when it is used.
void want(Stream& stream, Waiter& waiter, const Relay& out_of, const Relay& into) {
    const auto wanted = direction(!out_of.done && out_of.state == State::needs_source,
                                  !into.done && into.state == State::needs_sink);
    if (wanted == Direction::none)
        stream.want_nothing();
    else
        stream.want(waiter, wanted);
}

}  // namespace

Task<TunnelResult> run_tunnel(Client& client, const WorkerService& service,
                              const pool::RealServer& chosen, Stream& server, Buffer from_server,
                              std::chrono::milliseconds idle) {
    probe_dead_peers(server.fd());
    auto& buffers = client.worker.buffers();
    Relay up(*client.stream, server, buffers, std::move(client.in));
    Relay down(server, *client.stream, buffers, std::move(from_server));
    TunnelResult result;
    std::uint64_t moved_before = UINT64_MAX;
    for (;;) {
        if (!up.step() || !down.step()) {
            const bool client_failed =
                up.state == State::source_cut || down.state == State::sink_failed;
            result.reason = client_failed ? Reason::client_closed : Reason::response_reset;
            result.error = up.pump.error() != 0 ? up.pump.error() : down.pump.error();
            break;
        }
        if (up.done && down.done) break;
        if (up.again() || down.again()) {
            co_await client.waiter.yield();
            continue;
        }
        const auto moved = up.pump.moved() + down.pump.moved();
        if (moved != moved_before) client.waiter.expires_after(idle);
        moved_before = moved;
        want(*client.stream, client.waiter, up, down);
        want(server, client.waiter, down, up);
        if (const Wake why = co_await client.waiter.sleep(); why != Wake::ready) {
            result.reason = why == Wake::timed_out ? Reason::response_idle : Reason::draining;
            break;
        }
        if (service.ended) {
            result.reason = Reason::draining;
            break;
        }
        if (chosen.halted()) {
            result.reason = Reason::server_halted;
            break;
        }
    }
    result.from_client = up.pump.bytes_read();
    result.from_server = down.pump.bytes_written();
    co_return result;
}

}  // namespace poise::proxy
