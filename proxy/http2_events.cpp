#include "proxy/http2_events.hpp"

#include "base/engine.hpp"
#include "proxy/http2_connection.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>
#include <nghttp2/nghttp2.h>

namespace poise::proxy {

namespace {

// A request that was reset is forgotten by nghttp2 at once, by us when its coroutine has ended.
constexpr std::size_t ending_max = 32;
constexpr std::size_t header_list_max = 262'144;  // that we send; servers' heads are bounded

std::string_view view(const std::uint8_t* bytes, std::size_t n) {
    return {reinterpret_cast<const char*>(bytes), n};
}

bool is_peers_fault(std::uint32_t error_code) {
    return error_code == NGHTTP2_PROTOCOL_ERROR || error_code == NGHTTP2_FLOW_CONTROL_ERROR ||
           error_code == NGHTTP2_STREAM_CLOSED || error_code == NGHTTP2_REFUSED_STREAM ||
           error_code == NGHTTP2_FRAME_SIZE_ERROR;
}

}  // namespace

struct Http2Events {
    static Http2Connection& of(void* user_data) {
        return *static_cast<Http2Connection*>(user_data);
    }

    static Http2Stream* stream(nghttp2_session* session, std::int32_t id) {
        return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session, id));
    }

    // A new header block on a closed stream: see Http2Connection::was_closed_by_peer.
    static int begin_frame(nghttp2_session* session, const nghttp2_frame_hd* head, void* user) {
        const Http2Connection& connection = of(user);
        const Http2Frame frame{.type = head->type,
                               .stream = static_cast<std::uint32_t>(head->stream_id)};
        if (frame.type != Http2Frame::headers || !connection.is_unknown(frame) ||
            !connection.was_closed_by_peer(frame))
            return 0;
        const bool last = head->stream_id == nghttp2_session_get_last_proc_stream_id(session);
        return nghttp2_session_terminate_session(
            session, last ? NGHTTP2_STREAM_CLOSED : NGHTTP2_PROTOCOL_ERROR);
    }

    static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
        Http2Connection& connection = of(user);
        connection.block_ = connection.memory_.take_head();
        const std::int32_t id = frame->hd.stream_id;
        if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
        if (connection.running_ >= Http2Connection::streams_max + ending_max)
            return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id,
                                             NGHTTP2_REFUSED_STREAM);
        connection.incoming_ = connection.make_stream(id);
        return nghttp2_session_set_stream_user_data(session, id, connection.incoming_.get());
    }

    static int header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                      std::size_t name_n, const std::uint8_t* value, std::size_t value_n,
                      std::uint8_t, void* user) {
        Http2Connection& connection = of(user);
        connection.block_.add(
            view(name, name_n), view(value, value_n),
            {connection.limits_.header_bytes, connection.limits_.header_fields + pseudo_fields});
        return 0;
    }
    static constexpr std::size_t pseudo_fields = 5;

    static void headers_whole(Http2Connection& connection, const nghttp2_frame& frame) {
        Http2Stream* to = stream(connection.session_, frame.hd.stream_id);
        if (to == nullptr) return;  // refused, or not wanted any more
        const bool last = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        if (last) connection.block_.set_last();
        if (connection.block_.too_long() || connection.block_.too_many())
            connection.charge(Http2Budget::overlong_cost);
        if (to->final_head_)
            to->receive_trailers(connection.block_);
        else
            to->receive_head(connection.block_);
        if (last) to->receive_end();
        if (connection.incoming_.get() != to) return;
        ++connection.requests_;
        connection.arrived_.push_back(std::move(connection.incoming_));
    }

    static int frame_received(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
        Http2Connection& connection = of(user);
        switch (frame->hd.type) {
            case NGHTTP2_HEADERS:
                headers_whole(connection, *frame);
                break;
            case NGHTTP2_DATA:
                if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
                    if (Http2Stream* to = stream(session, frame->hd.stream_id)) to->receive_end();
                break;
            case NGHTTP2_RST_STREAM:
                connection.charge(Http2Budget::reset_cost);
                break;
            case NGHTTP2_SETTINGS:
                if (connection.settings_came_ || (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) break;
                connection.settings_came_ = true;
                for (Http2Stream& one : connection.streams_)
                    one.tell(Direction::read);  // who waits for it looks
                break;
            case NGHTTP2_GOAWAY:
                connection.closing_ = true;
                break;
            default:
                break;
        }
        return 0;
    }

    static int data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                    const std::uint8_t* bytes, std::size_t n, void*) {
        if (Http2Stream* to = stream(session, id))
            to->receive(view(bytes, n));
        else
            nghttp2_session_consume(session, id, n);
        return 0;
    }

    static int stream_closed(nghttp2_session* session, std::int32_t id, std::uint32_t error_code,
                             void* user) {
        Http2Connection& connection = of(user);
        Http2Stream* closed = stream(session, id);
        if (closed == nullptr) return 0;
        closed->close(error_code);
        if (connection.incoming_.get() == closed) connection.incoming_.reset();
        return 0;
    }

    static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Http2Connection& connection = of(user);
        if (frame->hd.type == NGHTTP2_RST_STREAM) {
            connection.note_reset_sent(frame->hd.stream_id);
            if (is_peers_fault(frame->rst_stream.error_code))
                connection.charge(Http2Budget::reset_cost);
        } else if (frame->hd.type == NGHTTP2_GOAWAY &&
                   frame->goaway.error_code != NGHTTP2_NO_ERROR &&
                   connection.ended_by_ == Reason::none) {
            connection.ended_by_ = frame->goaway.error_code == NGHTTP2_ENHANCE_YOUR_CALM
                                       ? Reason::http2_flood
                                       : Reason::http2_error;
        }
        return 0;
    }

    static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                         std::size_t n, nghttp2_data_source* source, void* user) {
        auto* from = static_cast<Http2Stream*>(source->ptr);
        of(user).append_data(*from, view(head, frame_head_bytes), n);
        static_cast<void>(frame);  // without padding
        return 0;
    }
    static constexpr std::size_t frame_head_bytes = 9;
};

namespace {

struct Callbacks {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_option* option = nullptr;

    Callbacks() {
        if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc();
        if (nghttp2_option_new(&option) != 0) {
            nghttp2_session_callbacks_del(made);
            throw std::bad_alloc();
        }
    }
    ~Callbacks() {
        nghttp2_session_callbacks_del(made);
        nghttp2_option_del(option);
    }
    Callbacks(const Callbacks&) = delete;
    Callbacks& operator=(const Callbacks&) = delete;
};

void submit_settings(nghttp2_session* session, bool server, std::size_t header_bytes) {
    const std::array<nghttp2_settings_entry, 5> entries{{
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, Http2Connection::stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(header_bytes)},
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, server ? Http2Connection::streams_max : 0},
        server ? nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}
               : nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    }};
    if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, entries.data(), entries.size()) != 0 ||
        nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                              Http2Connection::window) != 0)
        throw std::bad_alloc();
}

// It asks for a few hundred bytes, five times a request.
nghttp2_mem memory_of(SmallBlocks& blocks) {
    return {
        .mem_user_data = &blocks,
        .malloc = [](std::size_t bytes,
                     void* from) { return static_cast<SmallBlocks*>(from)->take(bytes); },
        .free = [](void* block, void* to) { static_cast<SmallBlocks*>(to)->give_back(block); },
        .calloc = [](std::size_t n, std::size_t bytes, void*) { return std::calloc(n, bytes); },
        .realloc = [](void* block, std::size_t bytes, void*) { return std::realloc(block, bytes); },
    };
}

}  // namespace

nghttp2_session* make_http2_session(Http2Connection& connection) {
    const Callbacks callbacks;
    auto* made = callbacks.made;
    nghttp2_session_callbacks_set_on_begin_frame_callback(made, Http2Events::begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, Http2Events::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(made, Http2Events::header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, Http2Events::frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, Http2Events::data);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, Http2Events::stream_closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, Http2Events::frame_sent);
    nghttp2_session_callbacks_set_send_data_callback(made, Http2Events::send_data);
    // Windows open as bytes are taken; messages are checked by our own rules, which name what is
    // wrong (proxy/http2_head).
    nghttp2_option_set_no_auto_window_update(callbacks.option, 1);
    nghttp2_option_set_no_http_messaging(callbacks.option, 1);
    nghttp2_option_set_no_closed_streams(callbacks.option, 1);
    nghttp2_option_set_max_send_header_block_length(callbacks.option, header_list_max);
    nghttp2_session* session = nullptr;
    const bool server = connection.is_server();
    auto memory = memory_of(connection.memory().blocks);
    const auto make = server ? nghttp2_session_server_new3 : nghttp2_session_client_new3;
    const int error = make(&session, made, &connection, callbacks.option, &memory);
    if (error != 0) throw std::bad_alloc();
    submit_settings(session, server, connection.limits().header_bytes);
    return session;
}

}  // namespace poise::proxy
