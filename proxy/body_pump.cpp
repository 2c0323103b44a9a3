#include "proxy/body_pump.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <utility>

namespace poise::proxy {

namespace {

constexpr std::size_t reserved_pieces = 4;  // head, chunk size, chunk end, last chunk

// Measured in docs/notes/bodies.md.
constexpr std::size_t bulk_bytes = 32'768;  // less of a known length is copied
constexpr std::size_t bulk_fill = 16'384;   // a fill of so much says that more comes
constexpr std::size_t splice_max = 1'048'576;
constexpr std::size_t slow_buffer_max = 65'536;

bool final(BodyPump::State state) {
    switch (state) {
        case BodyPump::State::again:
        case BodyPump::State::needs_source:
        case BodyPump::State::needs_sink:
            return false;
        default:
            return true;
    }
}

}  // namespace

void BodyPump::reset(const Message& message) {
    message_ = message;
    released_ = false;
    chunks_ = ChunkedReader();
    input_ = message.body;
    pieces_begin_ = pieces_end_ = 0;
    left_ = message.length;
    body_bytes_ = bytes_read_ = bytes_written_ = 0;
    last_fill_ = 0;
    sink_is_slow_ = end_written_ = false;
    trailers_.clear();
    refusal_ = {};
    error_ = 0;
    all_in_ = message.framing == Framing::none ||
              (message.framing == Framing::length && message.length == 0);
    state_ = State::again;
    add_piece(message.head);
    if (message.framing == Framing::length && message.length > message.body_bytes_max)
        state_ = State::too_long;
}

void BodyPump::start(const Message& message) {
    relay_.release();
    release_pipe();
    reset(message);
}

void BodyPump::start(Message message, Buffer&& buffer) {
    release_pipe();
    relay_ = std::move(buffer);
    message.body = relay_.view();
    reset(message);
}

void BodyPump::release() {
    if (released_) return;
    relay_.release();
    release_pipe();
    reset({});
    released_ = true;
}

void BodyPump::release_pipe() {
    if (pipe_) buffers_.give_back(std::move(pipe_));
}

Buffer BodyPump::take_left_over() {
    relay_.consume(relay_.view().size() - input_.size());
    input_ = {};
    return std::move(relay_);
}

BodyPump::State BodyPump::step(Stream& from, Stream& to) {
    if (!final(state_)) state_ = move(from, to);
    return state_;
}

BodyPump::State BodyPump::move(Stream& from, Stream& to) {
    for (int round = 0; round < rounds_a_turn; ++round) {
        // What is here already goes out together with the head: one call for a small message.
        const bool only_head = pieces_end_ == 1 && bytes_written_ == 0 && body_bytes_ == 0;
        if (!all_in_ && !input_.empty() && (pieces_end_ == 0 || only_head) && !produce())
            return state_;
        if (has_output() || owes_end()) {
            if (!flush(to)) return state_;
            continue;
        }
        if (all_in_) {
            relay_.release_if_empty();
            release_pipe();
            return State::ended;
        }
        if (input_.empty() && !fill(from, to)) return state_;
    }
    return State::again;
}

bool BodyPump::has_output() const {
    return pieces_begin_ < pieces_end_ || (pipe_ && pipe_->held() > 0);
}

// A MessageStream is told of the message's end together with the last bytes.
bool BodyPump::owes_end() const {
    return message_.framing_out == Framing::message && all_in_ &&
           message_.framing != Framing::none && !end_written_;
}

std::string_view BodyPump::trailers() const {
    return message_.framing == Framing::message ? std::string_view(trailers_)
                                                : std::string_view(chunks_.trailers());
}

IoResult BodyPump::write(Stream& to) {
    const std::span pieces(pieces_.data() + pieces_begin_, pieces_end_ - pieces_begin_);
    if (!owes_end()) return pieces.empty() ? to.try_write(*pipe_) : to.try_write(pieces);
    std::size_t bytes = 0;
    for (const iovec& piece : pieces)
        bytes += piece.iov_len;
    const auto written = static_cast<MessageStream&>(to).try_write_last(pieces, trailers());
    end_written_ = written.ok() && written.bytes == bytes;
    return written;
}

bool BodyPump::flush(Stream& to) {
    const auto written = write(to);
    if (written.state == Io::would_block) {
        sink_is_slow_ = true;
        state_ = State::needs_sink;
        return false;
    }
    if (written.state == Io::failed) {
        error_ = written.error;
        state_ = State::sink_failed;
        return false;
    }
    bytes_written_ += written.bytes;
    if (pieces_begin_ == pieces_end_) return true;
    std::size_t left = written.bytes;
    while (pieces_begin_ < pieces_end_ && left >= pieces_[pieces_begin_].iov_len) {
        left -= pieces_[pieces_begin_].iov_len;
        ++pieces_begin_;
    }
    if (pieces_begin_ == pieces_end_) {
        pieces_begin_ = pieces_end_ = 0;
    } else {
        auto& piece = pieces_[pieces_begin_];
        piece.iov_base = static_cast<char*>(piece.iov_base) + left;
        piece.iov_len -= left;
    }
    return true;
}

bool BodyPump::fill(Stream& from, Stream& to) {
    if (!pipe_ && is_bulk(from, to)) pipe_ = buffers_.take_pipe();
    return pipe_ ? fill_pipe(from) : fill_buffer(from);
}

// So much comes at once that system calls for the pipe cost less than copying: all that is here
// goes on as it is, and either much is announced or the last fill has brought much.
bool BodyPump::is_bulk(const Stream& from, const Stream& to) const {
    if (message_.framing == Framing::chunked || message_.framing_out == Framing::chunked)
        return false;
    if (!from.splices() || !to.splices()) return false;
    if (message_.framing == Framing::length && left_ < bulk_bytes) return false;
    return last_fill_ >= bulk_fill || (message_.framing == Framing::length && bytes_read_ == 0);
}

bool BodyPump::fill_pipe(Stream& from) {
    relay_.release();
    const std::uint64_t most = message_.framing == Framing::length
                                   ? std::min<std::uint64_t>(left_, splice_max)
                                   : splice_max;
    const auto read = from.try_read(*pipe_, static_cast<std::size_t>(most));
    last_fill_ = read.bytes;
    if (!read.ok()) {
        release_pipe();  // a waiting body holds no pipe
        return note_no_bytes(from, read);
    }
    bytes_read_ += read.bytes;
    body_bytes_ += read.bytes;
    if (message_.framing == Framing::length) {
        left_ -= read.bytes;
        all_in_ = left_ == 0;
    }
    return true;
}

bool BodyPump::fill_buffer(Stream& from) {
    relay_.consume(relay_.view().size());
    // A fill that took the whole buffer says that more comes than it holds: bulk.
    // To a slow reader it waits there, so thousands of them must not hold the largest size.
    const bool largest = relay_.capacity() >= slow_buffer_max && sink_is_slow_;
    if (last_fill_ != 0 && last_fill_ == relay_.capacity() && !largest) relay_.enlarge_empty();
    // Room to spare makes the last read a short one, which tells that the socket is empty: what
    // comes behind the message is left over, and the next owner's.
    const auto read = from.try_read(relay_.space());
    last_fill_ = read.bytes;
    if (!read.ok()) return note_no_bytes(from, read);
    bytes_read_ += read.bytes;
    relay_.commit(read.bytes);
    input_ = relay_.view();
    return true;
}

// True: the end of the stream is the end of the message.
bool BodyPump::note_no_bytes(Stream& from, const IoResult& read) {
    if (read.state == Io::would_block) {
        relay_.release();  // a waiting body holds no buffer
        state_ = State::needs_source;
        return false;
    }
    const bool by_end =
        message_.framing == Framing::until_close || message_.framing == Framing::message;
    if (read.state == Io::end && by_end) {
        all_in_ = true;
        if (message_.framing == Framing::message)
            trailers_ = static_cast<MessageStream&>(from).trailers();
        if (message_.framing_out == Framing::chunked) add_last_chunk();
        return true;
    }
    error_ = read.error;
    state_ = State::source_cut;
    return false;
}

bool BodyPump::produce() {
    assert(!input_.empty());
    const bool good = message_.framing == Framing::chunked ? produce_chunks() : produce_plain();
    if (!good) return false;
    if (body_bytes_ > message_.body_bytes_max) {
        state_ = State::too_long;
        return false;
    }
    return true;
}

bool BodyPump::produce_plain() {
    auto payload = input_;
    if (message_.framing == Framing::length) {
        payload = payload.substr(
            0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, payload.size())));
        left_ -= payload.size();
        all_in_ = left_ == 0;
    }
    input_.remove_prefix(payload.size());
    if (message_.framing_out == Framing::chunked) {
        open_chunk(payload.size());
        add_payload(payload);
        add_piece("\r\n");
        if (all_in_) add_last_chunk();
    } else {
        add_payload(payload);
    }
    return true;
}

// All payload that is here becomes one chunk of ours.
bool BodyPump::produce_chunks() {
    std::array<std::string_view, pieces_max> payloads;
    std::size_t count = 0;
    std::size_t total = 0;
    const std::size_t room = pieces_max - pieces_end_ - reserved_pieces;
    while (!input_.empty() && count < room && !all_in_) {
        const auto step = chunks_.next(input_);
        if (step.refusal) {
            refusal_ = *step.refusal;
            state_ = State::refused;
            return false;
        }
        input_.remove_prefix(step.consumed);
        if (!step.payload.empty()) payloads[count++] = step.payload;
        total += step.payload.size();
        all_in_ = step.ended;
        assert(step.consumed > 0 || step.ended);
    }
    const bool chunked_out = message_.framing_out == Framing::chunked;
    if (total > 0) {
        if (chunked_out) open_chunk(total);
        for (std::size_t i = 0; i < count; ++i)
            add_payload(payloads[i]);
        if (chunked_out) add_piece("\r\n");
    }
    if (all_in_ && chunked_out) add_last_chunk();
    return true;
}

void BodyPump::open_chunk(std::size_t payload_bytes) {
    auto* const end =
        std::to_chars(chunk_size_.data(), chunk_size_.data() + 16, payload_bytes, 16).ptr;
    end[0] = '\r';
    end[1] = '\n';
    add_piece({chunk_size_.data(), static_cast<std::size_t>(end + 2 - chunk_size_.data())});
}

void BodyPump::add_last_chunk() {
    if (trailers().empty()) {
        add_piece("0\r\n\r\n");
        return;
    }
    last_chunk_ = "0\r\n";
    last_chunk_ += trailers();
    last_chunk_ += "\r\n";
    add_piece(last_chunk_);
}

void BodyPump::add_payload(std::string_view payload) {
    body_bytes_ += payload.size();
    add_piece(payload);
}

void BodyPump::add_piece(std::string_view bytes) {
    if (bytes.empty()) return;
    assert(pieces_end_ < pieces_max);
    pieces_[pieces_end_++] = {const_cast<char*>(bytes.data()), bytes.size()};
}

}  // namespace poise::proxy
