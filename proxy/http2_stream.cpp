#include "proxy/http2_stream.hpp"

#include "proxy/http2_connection.hpp"
#include "proxy/http2_head.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <nghttp2/nghttp2.h>
#include <numeric>
#include <utility>

namespace poise::proxy {

namespace {

constexpr std::size_t fields_max = 256;     // of a head that we send: what came and what we add
constexpr std::size_t later_heads_max = 3;  // 1xx beyond these are dropped

using Fields = std::array<nghttp2_nv, fields_max>;

std::uint8_t* bytes_of(std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

class FieldList {
public:
    void add(std::string_view name, std::string_view value, bool indexed = true) {
        if (size_ == fields_.size()) return;
        fields_[size_++] = {
            bytes_of(name), bytes_of(value), name.size(), value.size(),
            static_cast<std::uint8_t>(indexed ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX)};
    }

    // "Name: value" CR LF, as we have written them.
    void add_lines(std::string_view lines) {
        while (!lines.empty()) {
            const auto colon = lines.find(':');
            const auto end = lines.find('\r', colon);
            assert(end != lines.npos);
            const auto name = lines.substr(0, colon);
            add(name, lines.substr(colon + 2, end - colon - 2), is_worth_indexing(name));
            lines.remove_prefix(end + 2);
        }
    }

    const nghttp2_nv* data() const { return fields_.data(); }
    std::size_t size() const { return size_; }

private:
    // What differs each time would only push out of the table what does not.
    static bool is_worth_indexing(std::string_view name) {
        if (name.size() == 12) return !same_word(name, "x-request-id");
        return name.size() != 10 || !same_word(name, "set-cookie");
    }

    Fields fields_;
    std::size_t size_ = 0;
};

ssize_t read_data(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer,
                  std::size_t length, std::uint32_t* flags, nghttp2_data_source* source,
                  void* user_data);

}  // namespace

Http2Stream::Http2Stream(Engine& engine, BufferPool& buffers, Http2Connection& connection,
                         std::int32_t id)
    : MessageStream(engine),
      memory_(connection.memory_),
      connection_(&connection),
      id_(id),
      in_(buffers) {
    connection.streams_.push_back(*this);
    ++connection.running_;
    if (connection.is_server()) {
        tell(Direction::write);
        set_peer(connection.stream_.peer());
    }
}

Http2Stream::~Http2Stream() {
    if (connection_ != nullptr) connection_->leave(*this);
    memory_.give_back(std::move(head_));
}

void Http2Stream::operator delete(Http2Stream* stream, std::destroying_delete_t) {
    SmallBlocks& blocks = stream->memory_.blocks;
    stream->~Http2Stream();
    blocks.give_back(stream);
}

IoResult Http2Stream::try_read(std::span<char> into) {
    assert(!into.empty());
    if (in_.empty()) {
        if (receive_ended_ && fault_ == Reason::none) return {Io::end};
        if (closed_ || broken()) return {Io::failed, ECONNRESET};
        not_readable();
        return {Io::would_block};
    }
    const auto n = std::min(into.size(), in_.view().size());
    std::copy_n(in_.view().data(), n, into.data());
    in_.consume(n);
    in_.release_if_empty();
    if (connection_ != nullptr) {
        nghttp2_session_consume(connection_->session_, id_, n);
        if (nghttp2_session_want_write(connection_->session_) != 0) connection_->stir();
    }
    return {Io::ok, 0, n};
}

IoResult Http2Stream::try_write(std::span<const iovec> pieces) {
    assert(!pieces.empty());
    return write(pieces, false, {});
}

IoResult Http2Stream::try_write_last(std::span<const iovec> pieces, std::string_view trailers) {
    return write(pieces, true, trailers);
}

IoResult Http2Stream::write(std::span<const iovec> pieces, bool last, std::string_view trailers) {
    if (closed_ || connection_ == nullptr || send_ended_) return {Io::failed, EPIPE};
    if (!writable()) return {Io::would_block};
    if (!connection_->may_write(*this)) {
        not_writable();
        return {Io::would_block};
    }
    pieces_ = pieces;
    total_ = std::accumulate(pieces.begin(), pieces.end(), std::size_t{0},
                             [](std::size_t sum, const iovec& one) { return sum + one.iov_len; });
    written_ = 0;
    ending_ = last;
    trailers_out_ = trailers;
    nghttp2_session_resume_data(connection_->session_, id_);
    connection_->fill_output();
    // nghttp2 may ask again before the next write: there is nothing then.
    const std::size_t written = std::exchange(written_, 0);
    pieces_ = {};
    total_ = 0;
    ending_ = false;
    trailers_out_ = {};
    if (connection_->room() == 0) connection_->flush();
    if (closed_ && !send_ended_) return {Io::failed, EPIPE};
    if (written == 0 && !send_ended_) {
        not_writable();
        // Else nghttp2 asks for bytes when the window opens.
        if (connection_->room() == 0) connection_->wait_to_write(*this);
        return {Io::would_block};
    }
    connection_->stir();
    return {Io::ok, 0, written};
}

void Http2Stream::shutdown_send() noexcept {
    if (!send_ended_ && !closed_) write({}, true, {});
}

FieldBlock* Http2Stream::head() {
    if (has_head_) return &head_;
    if (in_.empty() && !receive_ended_ && !closed_) not_readable();
    return nullptr;
}

Extension Http2Stream::extended_connect() const {
    if (connection_ == nullptr || closed_) return Extension::refused;
    if (!connection_->settings_came_) return Extension::unknown;
    return connection_->takes_extended_connect() ? Extension::taken : Extension::refused;
}

void Http2Stream::drop_head() {
    assert(has_head_);
    has_head_ = !later_heads_.empty();
    if (!has_head_) return head_.clear();
    head_ = std::move(later_heads_.front());
    later_heads_.erase(later_heads_.begin());
}

void Http2Stream::send_head(const OutgoingHead& head) {
    if (connection_ == nullptr || closed_) return;  // the next write fails
    std::array<char, 4> status{};
    FieldList fields;
    if (head.status != 0) {
        const auto end = std::to_chars(status.data(), status.data() + 3, head.status).ptr;
        fields.add(":status", {status.data(), end});
    } else {
        fields.add(":method", head.method);
        if (!head.protocol.empty()) fields.add(":protocol", head.protocol);
        fields.add(":scheme", head.scheme);
        fields.add(":path", head.path);
        fields.add(":authority", head.authority);
    }
    fields.add_lines(head.lines);
    nghttp2_session* session = connection_->session_;
    nghttp2_data_provider body{};
    body.source.ptr = this;
    body.read_callback = read_data;
    const nghttp2_data_provider* provider = head.last ? nullptr : &body;
    if (head.status == 0) {
        id_ =
            nghttp2_submit_request(session, nullptr, fields.data(), fields.size(), provider, this);
        bodiless_ = head.method == "HEAD";
        if (id_ < 0) close(NGHTTP2_REFUSED_STREAM);
    } else if (head.status < 200) {
        nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, id_, nullptr, fields.data(),
                               fields.size(), nullptr);
    } else {
        nghttp2_submit_response(session, id_, fields.data(), fields.size(), provider);
    }
    send_ended_ = head.last;
    connection_->stir();
}

void Http2Stream::receive_head(FieldBlock& block) {
    const bool request = connection_->is_server();
    bool interim = false;
    for (std::size_t i = 0; i < block.size(); ++i) {
        if (block.name(i) == ":status") {
            interim = block.value(i).starts_with('1');
            bodiless_ = bodiless_ || block.value(i) == "304" || block.value(i) == "204";
        } else if (block.name(i) == "content-length") {
            const auto text = block.value(i);
            std::from_chars(text.data(), text.data() + text.size(), length_);
        }
    }
    if (bodiless_) length_ = -1;
    final_head_ = request || !interim;
    if (!has_head_)
        head_ = std::move(block);
    else if (!interim || later_heads_.size() < later_heads_max)
        later_heads_.push_back(std::move(block));
    has_head_ = true;
    block = FieldBlock();
    tell(Direction::read);
}

void Http2Stream::receive_trailers(const FieldBlock& block) {
    if (!block.last()) return fail(Reason::http2_error);
    if (const auto refusal = read_trailer_fields(block, trailers_)) fail(refusal->reason);
}

void Http2Stream::receive(std::string_view bytes) {
    received_ += bytes.size();
    const bool too_much = length_ >= 0 && received_ > static_cast<std::uint64_t>(length_);
    if (!final_head_ || too_much || fault_ != Reason::none) {
        nghttp2_session_consume(connection_->session_, id_, bytes.size());
        if (fault_ == Reason::none)
            fail(final_head_ ? Reason::length_disagrees : Reason::http2_error);
        return;
    }
    while (!bytes.empty()) {
        if (in_.space().empty() && !in_.make_room()) return fail(Reason::http2_error);
        const auto space = in_.space();
        const auto n = std::min(space.size(), bytes.size());
        std::copy_n(bytes.data(), n, space.data());
        in_.commit(n);
        bytes.remove_prefix(n);
    }
    tell(Direction::read);
}

void Http2Stream::receive_end() {
    if (fault_ != Reason::none) return;
    if (length_ >= 0 && received_ != static_cast<std::uint64_t>(length_))
        return fail(Reason::length_disagrees);
    receive_ended_ = true;
    tell(Direction::read);
}

void Http2Stream::fail(Reason reason) {
    fault_ = reason;
    nghttp2_submit_rst_stream(connection_->session_, NGHTTP2_FLAG_NONE, id_,
                              NGHTTP2_PROTOCOL_ERROR);
    tell_broken();
}

void Http2Stream::close(std::uint32_t error_code) {
    closed_ = true;
    unprocessed_ = error_code == NGHTTP2_REFUSED_STREAM;
    queue.unlink();
    // A server may end its answer and then say that it wants no more of the request.
    const bool answered = connection_ != nullptr && !connection_->is_server() && receive_ended_;
    if (receive_ended_ && (send_ended_ || answered))
        tell(Direction::both);
    else
        tell_broken();
}

void Http2Stream::lose() {
    connection_ = nullptr;
    unlink();
    queue.unlink();
    closed_ = true;
    if (receive_ended_ && send_ended_)
        tell(Direction::both);
    else
        tell_broken();
}

std::int64_t Http2Stream::give(std::size_t most, std::uint32_t& flags) {
    assert(written_ <= total_);
    const std::size_t left = total_ - written_;
    if (left == 0 && !ending_) {
        if (!writable()) tell(Direction::write);
        return NGHTTP2_ERR_DEFERRED;
    }
    if (left > 0 && connection_->room() == 0) return NGHTTP2_ERR_DEFERRED;
    const std::size_t n = std::min(most, left);
    if (n > 0) flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n < left || !ending_) return static_cast<std::int64_t>(n);
    flags |= NGHTTP2_DATA_FLAG_EOF;
    send_ended_ = true;
    if (trailers_out_.empty()) return static_cast<std::int64_t>(n);
    flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    FieldList fields;
    fields.add_lines(trailers_out_);
    nghttp2_submit_trailer(connection_->session_, id_, fields.data(), fields.size());
    return static_cast<std::int64_t>(n);
}

namespace {

ssize_t read_data(nghttp2_session* session, std::int32_t id, std::uint8_t*, std::size_t length,
                  std::uint32_t* flags, nghttp2_data_source*, void*) {
    auto* from = static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session, id));
    if (from != nullptr) return static_cast<ssize_t>(from->give(length, *flags));
    *flags |= NGHTTP2_DATA_FLAG_EOF;  // its owner is gone, and its reset is on its way
    return 0;
}

}  // namespace

}  // namespace poise::proxy
