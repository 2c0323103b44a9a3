#include "proxy/http2_connection.hpp"

#include "base/engine.hpp"
#include "proxy/http2_events.hpp"

#include <algorithm>
#include <cassert>
#include <new>
#include <nghttp2/nghttp2.h>
#include <utility>

namespace poise::proxy {

namespace {

constexpr std::size_t preface_bytes = 24;
constexpr std::size_t frame_head_bytes = 9;
constexpr int reads_a_turn = 8;
constexpr int writes_a_turn = 4;
constexpr std::size_t frame_bytes = 16'384;  // that a frame of ours carries

}  // namespace

Http2Connection::Http2Connection(Role role, Stream& stream, Waiter& waiter, BufferPool& buffers,
                                 Http2Memory& memory, const Limits& limits)
    : role_(role),
      stream_(stream),
      waiter_(waiter),
      buffers_(buffers),
      memory_(memory),
      limits_(limits),
      frames_(role == Role::server ? preface_bytes : 0),
      budget_(waiter.engine().now()),
      out_(buffers) {
    session_ = make_http2_session(*this);
}

Http2Connection::~Http2Connection() {
    arrived_.clear();
    incoming_.reset();
    for (auto next = streams_.begin(); next != streams_.end();) {
        Http2Stream& stream = *next++;
        stream.lose();
    }
    nghttp2_session_del(session_);
}

Http2Connection::Turn Http2Connection::turn(Buffer& in) {
    more_input_ = false;
    if (!input_ended_ && !stopped_) read_some(in);
    for (int i = 0; i < writes_a_turn; ++i) {
        fill_output();
        if (out_.empty()) break;
        flush();
        if (output_failed_ || !out_.empty()) break;
    }
    call_writers();
    if (is_over()) return Turn::ended;
    return more_input_ ? Turn::again : Turn::waits;
}

bool Http2Connection::is_over() const {
    if (output_failed_ || input_ended_) return true;
    if (!out_.empty()) return false;
    return nghttp2_session_want_write(session_) == 0 &&
           (stopped_ || nghttp2_session_want_read(session_) == 0);
}

void Http2Connection::read_some(Buffer& in) {
    for (int i = 0; i < reads_a_turn; ++i) {
        if (!in.empty()) {
            if (!feed(in.view())) stopped_ = true;
            in.consume(in.view().size());
            if (stopped_) break;
        }
        if (out_.view().size() >= output_max) break;  // who does not read is not read
        const auto space = in.space();
        const auto read = stream_.try_read(space);
        if (read.state == Io::would_block) {
            in.release_if_empty();
            return;
        }
        if (!read.ok()) {
            input_ended_ = true;
            break;
        }
        in.commit(read.bytes);
    }
    more_input_ = !in.empty() && !stopped_;
    in.release_if_empty();
}

// False: nothing more is read. Every frame is looked at before nghttp2 sees it.
bool Http2Connection::feed(std::string_view bytes) {
    const auto now = waiter_.engine().now();
    std::size_t given = 0;
    bool resets = false;
    for (auto rest = bytes; !rest.empty();) {
        const auto frame = frames_.next(rest);
        if (!frame) break;
        if (!budget_.pay(*frame, limits_.header_bytes, now))
            return refuse(NGHTTP2_ENHANCE_YOUR_CALM);
        if (frame->is_absurd()) return refuse(NGHTTP2_PROTOCOL_ERROR);
        resets = resets || frame->type == Http2Frame::rst_stream;
        if (frame->type != Http2Frame::data || (!resets && !is_unknown(*frame))) continue;
        // The frame that opens or resets the stream may be among those before it.
        const std::size_t at = bytes.size() - rest.size();
        const std::size_t before = at > given + frame_head_bytes ? at - frame_head_bytes : given;
        if (!give(bytes.substr(given, before - given))) return false;
        given = before;
        if (is_unknown(*frame) && was_closed_by_peer(*frame)) return refuse(NGHTTP2_STREAM_CLOSED);
    }
    return give(bytes.substr(given));
}

bool Http2Connection::refuse(std::uint32_t error_code) {
    end_now(error_code);
    return false;
}

bool Http2Connection::give(std::string_view bytes) {
    const auto taken = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (taken < 0) {
        const bool flood = taken == NGHTTP2_ERR_FLOODED;  // more answers wait than it allows
        ended_by_ = flood ? Reason::http2_flood : Reason::http2_error;
        return refuse(flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    }
    if (budget_.left() < 0) return refuse(NGHTTP2_ENHANCE_YOUR_CALM);
    return !stopped_;
}

bool Http2Connection::is_unknown(const Http2Frame& frame) const {
    return nghttp2_session_find_stream(session_, static_cast<std::int32_t>(frame.stream)) ==
           nullptr;
}

// Who has closed a stream must not send on it (RFC 9113 section 5.1); nghttp2 overlooks it. Where
// we have reset it, the peer may not know of that yet.
bool Http2Connection::was_closed_by_peer(const Http2Frame& frame) const {
    const auto id = static_cast<std::int32_t>(frame.stream);
    if (role_ != Role::server || id % 2 == 0) return false;
    return id <= nghttp2_session_get_last_proc_stream_id(session_) && !was_reset_by_us(id);
}

bool Http2Connection::was_reset_by_us(std::int32_t id) const {
    if (recent_resets_ == nullptr) return false;
    return resets_sent_ > recent_resets_->size() ||
           std::ranges::find(*recent_resets_, id) != recent_resets_->end();
}

void Http2Connection::note_reset_sent(std::int32_t id) {
    if (recent_resets_ == nullptr)
        recent_resets_ = std::make_unique<std::array<std::int32_t, 64>>();
    (*recent_resets_)[resets_sent_ % recent_resets_->size()] = id;
    ++resets_sent_;
}

void Http2Connection::charge(int cost) {
    if (role_ == Role::server) budget_.pay(cost, waiter_.engine().now());
}

std::size_t Http2Connection::room() const {
    const auto held = out_.view().size();
    return held < output_max ? output_max - held : 0;
}

void Http2Connection::fill_output() {
    while (room() > 0) {
        const std::uint8_t* bytes = nullptr;
        const auto n = nghttp2_session_mem_send(session_, &bytes);
        if (n < 0) output_failed_ = true;
        if (n <= 0) break;
        append({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(n)});
    }
    out_.release_if_empty();
}

void Http2Connection::append(std::string_view bytes) {
    if (much_output_ && out_.capacity() == 0) out_.enlarge_empty();
    while (!bytes.empty()) {
        if (out_.space().empty() && !out_.make_room()) {
            output_failed_ = true;  // the largest buffer is full: far beyond output_max
            return;
        }
        const auto space = out_.space();
        const auto n = std::min(space.size(), bytes.size());
        std::copy_n(bytes.data(), n, space.data());
        out_.commit(n);
        bytes.remove_prefix(n);
    }
}

void Http2Connection::append_data(Http2Stream& stream, std::string_view frame_head,
                                  std::size_t bytes) {
    assert(bytes <= stream.total_ - stream.written_);
    append(frame_head);
    std::size_t skip = stream.written_;
    stream.written_ += bytes;
    budget_.sent(bytes);
    for (const iovec& piece : stream.pieces_) {
        if (bytes == 0) break;
        if (skip >= piece.iov_len) {
            skip -= piece.iov_len;
            continue;
        }
        const auto n = std::min(bytes, piece.iov_len - skip);
        append({static_cast<const char*>(piece.iov_base) + skip, n});
        bytes -= n;
        skip = 0;
    }
}

void Http2Connection::flush() {
    much_output_ = out_.view().size() > BufferPool::sizes.front();
    while (!out_.empty()) {
        const iovec piece{const_cast<char*>(out_.view().data()), out_.view().size()};
        const auto written = stream_.try_write({&piece, 1});
        if (written.state == Io::would_block) return;
        if (written.state == Io::failed) {
            output_failed_ = true;
            return;
        }
        bytes_out_ += written.bytes;
        out_.consume(written.bytes);
    }
    out_.release();
}

// Who waits for room in the output comes in turn, a frame each.
bool Http2Connection::may_write(Http2Stream& stream) {
    if (room() == 0 || (!writers_.empty() && !stream.called_)) {
        wait_to_write(stream);
        return false;
    }
    stream.called_ = false;
    return true;
}

void Http2Connection::wait_to_write(Http2Stream& stream) {
    if (!stream.queue.is_linked()) writers_.push_back(stream);
    stir();
}

void Http2Connection::call_writers() {
    if (writers_.empty()) return;
    std::size_t called_bytes = 0;
    while (!writers_.empty() && called_bytes < room()) {
        Http2Stream& first = writers_.front();
        writers_.pop_front();
        called_bytes += frame_bytes;
        first.called_ = true;
        first.tell(Direction::write);
    }
    if (!writers_.empty() && out_.empty()) stir();
}

void Http2Connection::arm() {
    const bool reads = out_.view().size() < output_max;
    const bool writes = !out_.empty();
    stream_.want(waiter_, static_cast<Direction>((reads ? 1 : 0) | (writes ? 2 : 0)));
}

std::vector<std::unique_ptr<Http2Stream>> Http2Connection::take_arrived() {
    return std::exchange(arrived_, {});
}

std::size_t Http2Connection::free_streams() const {
    if (closing_ || stopped_ || input_ended_ || output_failed_) return 0;
    if (nghttp2_session_check_request_allowed(session_) == 0) return 0;
    // Until its settings have come, a server might take no more than one.
    if (!settings_came_) return running_ == 0 ? 1 : 0;
    const std::size_t most = std::min(
        streams_max,
        nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
    return running_ < most ? most - running_ : 0;
}

std::unique_ptr<Http2Stream> Http2Connection::make_stream(std::int32_t id) {
    void* place = memory_.blocks.take(sizeof(Http2Stream));
    if (place == nullptr) throw std::bad_alloc();
    return std::unique_ptr<Http2Stream>(new (place)
                                            Http2Stream(waiter_.engine(), buffers_, *this, id));
}

std::unique_ptr<Http2Stream> Http2Connection::open() {
    assert(role_ == Role::client);
    if (free_streams() == 0) return nullptr;
    ++requests_;
    auto stream = make_stream(-1);
    stream->tell(Direction::write);
    return stream;
}

bool Http2Connection::takes_extended_connect() const {
    return nghttp2_session_get_remote_settings(session_,
                                               NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

void Http2Connection::announce_end() {
    if (!std::exchange(end_announced_, true)) {
        nghttp2_submit_shutdown_notice(session_);
    } else if (!std::exchange(end_named_, true)) {
        nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                              nullptr, 0);
    }
}

void Http2Connection::end_now(std::uint32_t error_code) {
    stopped_ = true;
    nghttp2_session_terminate_session(session_, error_code);
}

// A stream that is destroyed before its end is reset; what it has not read makes room for others.
void Http2Connection::leave(Http2Stream& stream) {
    --running_;
    if (!stream.in_.empty()) nghttp2_session_consume_connection(session_, stream.in_.view().size());
    if (!stream.closed_ && stream.id_ > 0) {
        nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
        const bool whole = stream.send_ended_ && stream.receive_ended_;
        std::uint32_t error_code = NGHTTP2_CANCEL;
        if (stream.rejected_ || stream.fault_ != Reason::none)
            error_code = NGHTTP2_PROTOCOL_ERROR;
        else if (role_ == Role::server)
            error_code = stream.send_ended_ ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR;
        if (!whole) {
            fill_output();  // what was queued of it comes first
            nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, error_code);
        }
    }
    if (stream.fault_ == Reason::none && stream.send_ended_) budget_.served();
    stir();
}

}  // namespace poise::proxy
