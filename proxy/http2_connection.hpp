// An HTTP/2 connection, of a client or to a server: nghttp2 between a stream of bytes and the
// streams of requests.
#pragma once

#include "base/stream.hpp"
#include "base/waiter.hpp"
#include "proxy/buffer.hpp"
#include "proxy/http2_budget.hpp"
#include "proxy/http2_memory.hpp"
#include "proxy/http2_stream.hpp"

#include <boost/intrusive/list.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

struct nghttp2_session;

namespace poise::proxy {

/// Never blocks: turn() moves what can be moved. Belongs to one worker thread and to the coroutine
/// that sleeps on `waiter`, which streams wake when they have left something to send.
class Http2Connection {
public:
    enum class Role : std::uint8_t { server, client };

    static constexpr std::uint32_t streams_max = 100;        // of a client, at once
    static constexpr std::uint32_t stream_window = 262'144;  // the largest buffer
    static constexpr std::int32_t window = 1'048'576;        // bytes that all streams hold together
    static constexpr std::size_t output_max = 65'536;        // what a slow reader leaves with us
    struct Limits {                                          // of a head that comes in
        std::size_t header_bytes = 65'536;
        std::size_t header_fields = 100;
    };

    /// `stream`, `waiter`, `buffers` and `memory` outlive this; its streams, too, need the last
    /// two.
    Http2Connection(Role role, Stream& stream, Waiter& waiter, BufferPool& buffers,
                    Http2Memory& memory, const Limits& limits);
    ~Http2Connection();  // what streams there are lose it
    Http2Connection(const Http2Connection&) = delete;
    Http2Connection& operator=(const Http2Connection&) = delete;

    enum class Turn : std::uint8_t {
        again,  // yield, then another turn
        waits,  // arm() and sleep
        ended,  // no more comes or goes; ended_by() says why
    };
    /// Reads what has come, a bounded part of it, and writes what is to go: one write a turn.
    /// `in` holds what was read and not used.
    Turn turn(Buffer& in);
    bool is_server() const { return role_ == Role::server; }
    Http2Memory& memory() const { return memory_; }
    const Limits& limits() const { return limits_; }
    void arm();

    /// Requests whose heads are whole. Role::server.
    std::vector<std::unique_ptr<Http2Stream>> take_arrived();

    /// A stream for a request, or null when the server takes no more now. Role::client.
    std::unique_ptr<Http2Stream> open();
    std::size_t free_streams() const;  // that open() would give now
    bool settings_came() const { return settings_came_; }
    /// Takes no more requests, ever.
    bool is_closing() const { return closing_; }
    /// The server has announced RFC 8441.
    bool takes_extended_connect() const;

    /// Says that no further request is served; those that run go on. The next call, a round trip
    /// later, names the last one that is.
    void announce_end();
    bool end_announced() const { return end_announced_; }
    bool end_named() const { return end_named_; }
    bool peer_gone() const { return input_ended_ || output_failed_; }
    void end_now(std::uint32_t error_code);  // GOAWAY, and then nothing more

    std::size_t running() const { return running_; }
    bool within_headers() const { return frames_.within_headers(); }
    bool output_blocked() const { return !out_.empty(); }
    std::uint64_t bytes_out() const { return bytes_out_; }
    Reason ended_by() const { return ended_by_; }
    std::uint64_t requests() const { return requests_; }

private:
    friend class Http2Stream;
    friend struct Http2Events;

    std::unique_ptr<Http2Stream> make_stream(std::int32_t id);
    void read_some(Buffer& in);
    bool feed(std::string_view bytes);
    bool give(std::string_view bytes);
    bool refuse(std::uint32_t error_code);
    bool is_unknown(const Http2Frame& frame) const;
    bool was_closed_by_peer(const Http2Frame& frame) const;
    void fill_output();
    void flush();
    void append(std::string_view bytes);
    void append_data(Http2Stream& stream, std::string_view frame_head, std::size_t bytes);
    std::size_t room() const;
    void call_writers();
    bool may_write(Http2Stream& stream);
    void wait_to_write(Http2Stream& stream);
    void leave(Http2Stream& stream);  // is being destroyed
    bool is_over() const;
    void charge(int cost);
    bool was_reset_by_us(std::int32_t id) const;
    void note_reset_sent(std::int32_t id);
    void stir() { waiter_.wake(); }  // something is to be sent: the coroutine is to have a turn

    using Writers = boost::intrusive::list<
        Http2Stream,
        boost::intrusive::member_hook<Http2Stream, Http2Stream::Queue, &Http2Stream::queue>,
        boost::intrusive::constant_time_size<false>>;
    using Streams =
        boost::intrusive::list<Http2Stream, boost::intrusive::constant_time_size<false>>;

    const Role role_;
    Stream& stream_;
    Waiter& waiter_;
    BufferPool& buffers_;
    Http2Memory& memory_;
    const Limits limits_;
    nghttp2_session* session_ = nullptr;
    Http2Frames frames_;
    Http2Budget budget_;
    Buffer out_;
    Streams streams_;
    Writers writers_;                        // first come, first served
    std::unique_ptr<Http2Stream> incoming_;  // a request whose head is not whole yet
    std::vector<std::unique_ptr<Http2Stream>> arrived_;
    FieldBlock block_;  // that is coming in: one at a time
    std::size_t running_ = 0;
    std::uint64_t requests_ = 0;
    std::uint64_t bytes_out_ = 0;
    // Streams that we have reset, the last of them; null: none.
    std::unique_ptr<std::array<std::int32_t, 64>> recent_resets_;
    std::uint64_t resets_sent_ = 0;
    Reason ended_by_ = Reason::none;
    bool input_ended_ = false;
    bool output_failed_ = false;
    bool more_input_ = false;
    bool much_output_ = false;  // in the last turn: more than the smallest buffer holds
    bool stopped_ = false;      // GOAWAY with an error: nothing is read any more
    bool closing_ = false;
    bool end_announced_ = false;
    bool end_named_ = false;
    bool settings_came_ = false;
};

}  // namespace poise::proxy
