// Moves a message, head and body, from one stream to the other: reads one framing, writes
// another, holds at most one buffer.
#pragma once

#include "base/stream.hpp"
#include "proxy/buffer.hpp"
#include "proxy/chunked.hpp"
#include "proxy/head.hpp"
#include "proxy/message_stream.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/uio.h>

namespace poise::proxy {

/// Never blocks: step() moves what can be moved and says what it waits for. Belongs to one
/// exchange. Bytes go on as they arrive; nothing is gathered for its own sake. Backpressure is
/// the one buffer: nothing is read while the last bytes have not been taken.
class BodyPump {
public:
    enum class State : std::uint8_t {
        again,         // the budget of this turn is used up; let others run
        needs_source,  // wait until the source is readable
        needs_sink,    // wait until the sink is writable
        ended,         // all written
        source_cut,    // the source ended or failed before the message did
        sink_failed,   // the sink takes no more
        refused,       // the source's framing is bad: see refusal()
        too_long,      // more than the limit of body bytes
    };

    explicit BodyPump(BufferPool& buffers) : buffers_(buffers), relay_(buffers) {}
    ~BodyPump() { release_pipe(); }
    BodyPump(const BodyPump&) = delete;
    BodyPump& operator=(const BodyPump&) = delete;

    struct Message {
        std::string_view head;            // written first; stays valid until it is
        Framing framing = Framing::none;  // of the body as it comes in
        std::uint64_t length = 0;         // with Framing::length
        // Framing::message on a side says that its stream is a MessageStream.
        Framing framing_out = Framing::none;  // none when `framing` is, else any but none
        std::string_view body;                // the first bytes of the body (and what follows it)
        std::uint64_t body_bytes_max = UINT64_MAX;
    };

    /// Begins a message. `message.body` points into memory that stays until it is used up.
    void start(const Message& message);

    /// The same, where the first body bytes are what `buffer` holds, which is taken over.
    void start(Message message, Buffer&& buffer);

    /// Moves up to a turn's budget. After ended or an error the answer stays the same.
    State step(Stream& from, Stream& to);

    const Refusal& refusal() const { return refusal_; }
    int error() const { return error_; }  // errno of source_cut or sink_failed; 0: ended early

    /// What came after the message's end (the next request): valid until the next call.
    std::string_view left_over() const { return input_; }
    /// The same as a buffer of one's own, when it is in the buffer given to start() or filled
    /// since.
    Buffer take_left_over();

    std::uint64_t bytes_read() const { return bytes_read_; }        // by this, from the source
    std::uint64_t bytes_written() const { return bytes_written_; }  // head included
    std::uint64_t moved() const { return bytes_read_ + bytes_written_; }
    bool began_reading() const { return bytes_read_ > 0; }

    void release();  // gives the buffer back

private:
    static constexpr std::size_t pieces_max = 32;
    static constexpr int rounds_a_turn = 8;

    State move(Stream& from, Stream& to);
    bool flush(Stream& to);               // false: state_ says why not
    bool fill(Stream& from, Stream& to);  // false: state_ says why not
    bool fill_buffer(Stream& from);
    bool fill_pipe(Stream& from);
    bool note_no_bytes(Stream& from, const IoResult& read);
    bool is_bulk(const Stream& from, const Stream& to) const;
    bool produce();  // false: state_ says why not
    bool produce_plain();
    bool produce_chunks();
    void add_payload(std::string_view payload);
    void open_chunk(std::size_t payload_bytes);
    void add_last_chunk();
    void add_piece(std::string_view bytes);
    bool has_output() const;
    bool owes_end() const;
    IoResult write(Stream& to);
    std::string_view trailers() const;
    void reset(const Message& message);
    void release_pipe();

    BufferPool& buffers_;
    Message message_;
    ChunkedReader chunks_;
    Buffer relay_;
    std::unique_ptr<Pipe> pipe_;  // null unless bulk is on its way through it
    std::string_view input_;      // body bytes that are not yet in pieces_
    std::array<iovec, pieces_max> pieces_{};
    std::size_t pieces_begin_ = 0;
    std::size_t pieces_end_ = 0;
    std::array<char, 20> chunk_size_{};
    std::string last_chunk_;  // with trailers
    std::string trailers_;    // of a source that is a MessageStream
    std::uint64_t left_ = 0;  // of a body with a length
    std::uint64_t body_bytes_ = 0;
    std::uint64_t bytes_read_ = 0;
    std::uint64_t bytes_written_ = 0;
    std::size_t last_fill_ = 0;
    Refusal refusal_;
    int error_ = 0;
    bool all_in_ = false;  // the source's message is whole
    bool sink_is_slow_ = false;
    bool end_written_ = false;  // with Framing::message
    bool released_ = true;      // as it was made
    State state_ = State::needs_source;
};

}  // namespace poise::proxy
