#include "proxy/exchange.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace poise::proxy {

namespace {

using State = BodyPump::State;

constexpr std::chrono::seconds rate_grace{10};  // before min_rate counts
constexpr int interims_a_turn = 8;              // 1xx responses passed on before others run

}  // namespace

Exchange::Step Exchange::step(Client& client) {
    if (client.stream->broken()) {
        failure_ = {client_fault(client), phase()};
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

// Why the client is gone.
Reason Exchange::client_fault(const Client& client) const {
    const Reason fault = client.message() != nullptr ? client.message()->fault() : Reason::none;
    return fault != Reason::none ? fault : Reason::client_closed;
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
            failure_ = {client_fault(client), Phase::request_body, std::nullopt, up_.error()};
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

// The server is gone before it has answered. Safe to try again: nothing of an answer came, the
// request is still whole in our hands, and it does no harm twice (RFC 9110 section 9.2.2).
bool Exchange::on_upstream_end(int error) {
    failure_ = {Reason::response_reset, Phase::response_head, std::nullopt, error};
    if (upstream_message_ != nullptr && upstream_message_->unprocessed()) fields_sent_ = false;
    const bool nothing_done = !fields_sent_ && up_.bytes_written() == 0;
    retry_ = !any_response_byte_ && !response_started() && replayable() &&
             (request_.idempotent || nothing_done);
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
    return upstream_message_ == nullptr && receiving_ == Receiving::done && request_done_ &&
           response_.keep_alive && !upstream_spoiled_ &&
           response_.framing != Framing::until_close && down_.left_over().empty() && !tunnel_;
}

bool Exchange::client_reusable(const Client& client) const {
    return keep_client_ && request_done_ && !client.stream->broken() && !tunnel_;
}

}  // namespace poise::proxy
