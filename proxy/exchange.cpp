#include "proxy/exchange.hpp"

#include "proxy/head_writer.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace poise::proxy {

namespace {

using State = BodyPump::State;

constexpr HeadLimits response_limits{.fields = 200, .request_line_bytes = 16'384};
constexpr std::size_t response_head_bytes_max = 131'072;
constexpr std::chrono::seconds rate_grace{10};  // before min_rate counts
constexpr int interims_a_turn = 8;              // 1xx responses passed on before others run

Framing framing_for_client(const ResponseHead& head, int client_minor) {
    if (head.framing == Framing::chunked || head.framing == Framing::until_close)
        return client_minor == 0 ? Framing::until_close : Framing::chunked;
    return head.framing;
}

}  // namespace

Exchange::Step Exchange::step(Client& client) {
    if (client.stream->broken()) {
        failure_ = {Reason::client_closed, phase()};
        return Step::failed;
    }
    if (!step_request(client)) return Step::failed;
    if (!step_response(client)) {
        if (retry_) return Step::retry;
        return Step::failed;
    }
    // The server has answered and is gone: the rest of the request has nowhere to go.
    if (receiving_ == Receiving::done && !request_done_ && !tunnel_ && !upstream->quiet())
        request_abandoned_ = true;
    if (receiving_ == Receiving::done && (request_done_ || request_abandoned_))
        return tunnel_ ? Step::tunnel : Step::done;
    if (up_state_ == State::again && !request_done_ && !request_abandoned_) return Step::again;
    if (receiving_ != Receiving::done && down_state_ == State::again) return Step::again;
    if (server_lost()) return retry_ ? Step::retry : Step::failed;
    if (too_slow(client)) {
        refuse(Reason::body_too_slow, Phase::request_body);
        return Step::failed;
    }
    arm(client);
    return Step::waits;
}

bool Exchange::step_request(Client& client) {
    if (request_done_ || request_abandoned_) return true;
    up_state_ = up_.step(*client.stream, *upstream);
    switch (up_state_) {
        case State::ended:
            request_done_ = true;
            phases.sent = client.worker.engine().now();
            return true;
        case State::source_cut:
            failure_ = {Reason::client_closed, Phase::request_body, std::nullopt, up_.error()};
            return false;
        case State::sink_failed:
            // The server may have answered before it closed: its word comes first.
            request_abandoned_ = true;
            return true;
        case State::refused:
            return refuse(up_.refusal().reason, Phase::request_body,
                          head_bytes_ + up_.refusal().offset);
        case State::too_long:
            return refuse(Reason::body_too_long, Phase::request_body);
        default:
            return true;
    }
}

bool Exchange::step_response(Client& client) {
    for (int interims = 0;;) {
        switch (receiving_) {
            case Receiving::head:
                if (!read_response_head(client)) return false;
                if (receiving_ == Receiving::head) {  // needs more
                    down_state_ = State::needs_source;
                    return true;
                }
                break;
            case Receiving::interim:
                down_state_ = interim_.step(*upstream, *client.stream);
                if (down_state_ == State::sink_failed) {
                    failure_ = {Reason::client_closed, Phase::response_head, std::nullopt,
                                interim_.error()};
                    return false;
                }
                if (down_state_ != State::ended) return true;
                receiving_ = Receiving::head;
                response_scanned_ = 0;
                if (++interims < interims_a_turn) break;
                down_state_ = State::again;
                return true;
            case Receiving::body:
                down_state_ = down_.step(*upstream, *client.stream);
                if (down_state_ == State::ended) {
                    receiving_ = Receiving::done;
                    return true;
                }
                if (down_state_ == State::source_cut)
                    failure_ = {Reason::response_cut, Phase::response_body, std::nullopt,
                                down_.error()};
                else if (down_state_ == State::sink_failed)
                    failure_ = {Reason::client_closed, Phase::response_body, std::nullopt,
                                down_.error()};
                else if (down_state_ == State::refused)
                    failure_ = {Reason::bad_response, Phase::response_body, down_.refusal().offset,
                                0};
                else
                    return true;
                return false;
            case Receiving::done:
                return true;
        }
    }
}

// Leaves receiving_ at head when more bytes are needed.
bool Exchange::read_response_head(Client& client) {
    for (;;) {
        const auto bytes = received_.view();
        if (bytes.size() > response_scanned_) {
            if (const auto length = head_length(bytes, response_scanned_); length > 0)
                return on_response_head(client, length);
            response_scanned_ = bytes.size();
            if (bytes.size() >= response_head_bytes_max)
                return refuse(Reason::response_head_too_long, Phase::response_head);
        }
        if (received_.space().empty() && !received_.make_room())
            return refuse(Reason::response_head_too_long, Phase::response_head);
        const auto read = upstream->try_read(received_.space());
        if (read.state == Io::would_block) {
            received_.release_if_empty();
            return true;
        }
        if (!read.ok()) return on_upstream_end(read.error);
        any_response_byte_ = true;
        received_.commit(read.bytes);
    }
}

// The server is gone before it has answered. Safe to try again: nothing of an answer came, the
// request is still whole in our hands, and it does no harm twice (RFC 9110 section 9.2.2).
bool Exchange::on_upstream_end(int error) {
    failure_ = {Reason::response_reset, Phase::response_head, std::nullopt, error};
    const bool nothing_sent = up_.bytes_written() == 0;
    retry_ = !any_response_byte_ && !response_started() && replayable() &&
             (request_.idempotent || nothing_sent);
    return false;
}

// Halted by the operator: nothing of it counts any more. Down by its checks: a request that waits
// for an answer goes elsewhere when it may; all else waits on, for the checks may be wrong.
bool Exchange::server_lost() {
    const pool::RealServer& server = *choice.server();
    if (server.may_serve_known() || receiving_ == Receiving::done) return false;
    const auto failed_before = failure_;
    on_upstream_end(0);
    if (server.halted()) {
        failure_ = {Reason::server_halted, phase()};
        return true;
    }
    retry_ = retry_ && request_done_ && choice.has_other();
    if (!retry_) failure_ = failed_before;
    return retry_;
}

bool Exchange::on_response_head(Client& client, std::size_t length) {
    const auto refusal = parse_response_head(received_.view().substr(0, length), response_limits,
                                             request_.is_head, response_);
    if (refusal) return refuse(refusal->reason, Phase::response_head, refusal->offset);
    const int status = response_.status;
    if (status == 101 && !switches_as_asked())
        return refuse(Reason::bad_response, Phase::response_head);
    if (status < 200 && status != 101) {
        start_interim(client, length);
        return true;
    }
    phases.responded = client.worker.engine().now();
    status_ = status;
    note_authentication();
    start_response(client, length);
    return true;
}

// 100, 103 and the like pass at once; HTTP/1.0 knows none of them.
void Exchange::start_interim(Client&, std::size_t length) {
    upstream_spoiled_ = upstream_spoiled_ || !response_.keep_alive;
    downstream_head_.clear();
    if (request_.minor > 0) append_response_head(downstream_head_, response_, {.request_id = id_});
    received_.consume(length);
    BodyPump::Message message;
    message.head = downstream_head_;
    interim_.start(message);
    receiving_ = Receiving::interim;
}

void Exchange::start_response(Client& client, std::size_t length) {
    tunnel_ = status_ == 101;
    framing_out_ = framing_for_client(response_, request_.minor);
    // An early answer leaves the rest of the request in the way of the next one.
    keep_client_ = request_.keep_alive && framing_out_ != Framing::until_close &&
                   !client.is_leaving() && (request_done_ || response_.keep_alive);
    downstream_head_.clear();
    append_response_head(
        downstream_head_, response_,
        {.request_id = id_,
         .set_cookie = choice.set_cookie(tls_),
         .hsts = tls_ ? std::string_view(service->service.hsts_field) : std::string_view(),
         .framing_out = framing_out_,
         .client_minor = request_.minor,
         .keep_alive = keep_client_,
         .upgrade = tunnel_,
         .keep_length = request_.is_head || status_ == 304});
    BodyPump::Message message;
    message.head = downstream_head_;
    message.framing = response_.framing;
    message.framing_out = framing_out_;
    message.length = response_.content_length;
    received_.consume(length);
    down_.start(message, std::move(received_));
    receiving_ = Receiving::body;
    response_.fields.clear();  // views into the buffer end with the next fill
    response_.reason_phrase = {};
}

// To a protocol that the client has named (RFC 9110 section 7.8).
bool Exchange::switches_as_asked() const {
    const Field* chosen = response_.find(FieldId::upgrade);
    if (!request_.upgrade || chosen == nullptr) return false;
    bool asked = false;
    for (const Field& field : request_.fields) {
        if (field.id != FieldId::upgrade) continue;
        each_element(field.value, [&](std::string_view protocol) {
            asked = asked || same_word(protocol, chosen->value);
        });
    }
    return asked;
}

void Exchange::note_authentication() {
    if (status_ != 401 && status_ != 407) return;
    for (const Field& field : response_.fields) {
        if (field.id != FieldId::www_authenticate && field.id != FieldId::proxy_authenticate)
            continue;
        each_element(field.value, [&](std::string_view challenge) {
            pins_ = pins_ || authenticates_connection(challenge);
        });
    }
}

bool Exchange::too_slow(const Client& client) {
    if (timeouts->min_rate == 0 || request_done_ || up_state_ != State::needs_source) return false;
    const auto taken = client.worker.engine().now() - phases.began;
    if (taken < rate_grace) return false;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(taken).count();
    return up_.bytes_read() / static_cast<std::uint64_t>(seconds) < timeouts->min_rate;
}

void Exchange::arm(Client& client) {
    Direction from_client = Direction::none;
    Direction from_server = Direction::none;
    const auto add = [](Direction& to, Direction more) {
        to = static_cast<Direction>(static_cast<int>(to) | static_cast<int>(more));
    };
    if (!request_done_ && !request_abandoned_) {
        if (up_state_ == State::needs_source) add(from_client, Direction::read);
        if (up_state_ == State::needs_sink) add(from_server, Direction::write);
    }
    if (receiving_ == Receiving::head || receiving_ == Receiving::done) {
        add(from_server, Direction::read);
    } else {
        if (down_state_ == State::needs_source) add(from_server, Direction::read);
        if (down_state_ == State::needs_sink) add(from_client, Direction::write);
    }
    set_deadline(client);
    // A client that breaks the connection ends the exchange whatever it waits for. A server that
    // does is heard of when it is read or written.
    client.stream->want(client.waiter, from_client);
    if (from_server == Direction::none)
        upstream->want_nothing();
    else
        upstream->want(client.waiter, from_server);
}

Phase Exchange::phase() const {
    if (receiving_ == Receiving::body || receiving_ == Receiving::done) return Phase::response_body;
    return request_done_ ? Phase::response_head : Phase::request_body;
}

// The wait for a response head has one limit; all else is idleness.
void Exchange::set_deadline(Client& client) {
    if (request_done_ && receiving_ == Receiving::head) {
        if (!waiting_for_head_) client.waiter.expires_after(timeouts->response);
        waiting_for_head_ = true;
        return;
    }
    waiting_for_head_ = false;
    const auto moved = up_.moved() + down_.moved();
    if (moved == moved_before_ && moved != 0) return;
    moved_before_ = moved;
    client.waiter.expires_after(timeouts->idle);
}

void Exchange::time_out() {
    if (receiving_ == Receiving::body || receiving_ == Receiving::done) {
        const bool server = receiving_ == Receiving::body && down_state_ == State::needs_source;
        failure_ = {server ? Reason::response_idle : Reason::client_closed, Phase::response_body};
    } else if (request_done_) {
        failure_ = {Reason::response_timeout, Phase::response_head};
    } else if (up_state_ == State::needs_source) {
        failure_ = {Reason::body_timeout, Phase::request_body};
    } else {
        failure_ = {Reason::upstream_send_failed, Phase::request_body};
    }
}

bool Exchange::upstream_reusable() const {
    return receiving_ == Receiving::done && request_done_ && response_.keep_alive &&
           !upstream_spoiled_ && response_.framing != Framing::until_close &&
           down_.left_over().empty() && !tunnel_;
}

bool Exchange::client_reusable(const Client& client) const {
    return keep_client_ && request_done_ && !client.stream->broken() && !tunnel_;
}

}  // namespace poise::proxy
