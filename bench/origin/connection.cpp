// One client of the origin: reads requests in turn and carries out the plan for each.
#include "bench/origin/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

namespace poise::origin {

namespace {

constexpr std::size_t input_bytes_max = 256 * 1024;   // above a head, below a memory worry
constexpr std::size_t output_bytes_min = 128 * 1024;  // a bulk body is sent in writes of this size

}  // namespace

Connection::Connection(int descriptor, const std::string& name, Counters& counters)
    : descriptor_(descriptor), name_(name), counters_(counters) {
    ++counters_.connections;
    ++counters_.open;
}

Connection::~Connection() {
    --counters_.open;
    if (descriptor_ >= 0) ::close(descriptor_);
}

Wants Connection::on_readable() {
    if (!receive()) {
        input_ended_ = true;
        // A half-closed client still gets what it asked for; a silent route has nothing to say.
        if (state_ == State::never || state_ == State::body) state_ = State::closed;
    }
    advance();
    if (input_ended_ && state_ == State::head) state_ = State::closed;
    return wants();
}

Wants Connection::resume() {
    blocked_ = false;
    advance();
    if (input_ended_ && state_ == State::head) state_ = State::closed;
    return wants();
}

bool Connection::receive() {
    std::array<char, 64 * 1024> buffer;
    const ssize_t got = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (got > 0) input_.append(buffer.data(), static_cast<std::size_t>(got));
    if (got < 0 && errno != EAGAIN && errno != EINTR) state_ = State::closed;
    return got > 0 || (got < 0 && state_ != State::closed);
}

void Connection::consume(std::size_t bytes) {
    input_at_ += bytes;
    if (input_at_ == input_.size()) {
        input_.clear();
        input_at_ = 0;
        // An idle connection holds no large buffer.
        if (input_.capacity() > 4096) input_.shrink_to_fit();
    } else if (input_at_ > input_bytes_max / 2) {
        input_.erase(0, input_at_);
        input_at_ = 0;
    }
}

void Connection::advance() {
    while (state_ != State::closed && step()) {
    }
}

bool Connection::step() {
    switch (state_) {
        case State::head:
            return !blocked_ && read_head();
        case State::body:
            return read_body();
        case State::reply:
            return continue_reply();
        case State::tunnel:
            return echo();
        case State::never:
            consume(input().size());
            return false;
        case State::closed:
            return false;
    }
    return false;
}

bool Connection::read_head() {
    if (input().empty()) return false;
    request_ = Request{};
    switch (parse_head(input(), request_, head_bytes_)) {
        case HeadResult::incomplete:
            return false;
        case HeadResult::bad:
            output_ += "HTTP/1.1 400 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            flush();
            state_ = State::closed;
            return false;
        case HeadResult::complete:
            break;
    }
    ++counters_.requests;
    body_.start(request_.chunked, request_.content_length);
    if (body_.done()) {
        start_reply();
        return true;
    }
    // The plan may need the head after the body has come: keep the head's bytes at the front of
    // input_ and let the body follow them.
    if (request_.expects_continue) {
        output_ += "HTTP/1.1 100 Continue\r\n\r\n";
        flush();
    }
    input_.erase(0, input_at_);
    input_at_ = 0;
    state_ = State::body;
    return true;
}

bool Connection::read_body() {
    const std::size_t taken = body_.take(input().substr(head_bytes_));
    input_.erase(head_bytes_, taken);
    if (body_.bad()) {
        state_ = State::closed;
        return false;
    }
    if (!body_.done()) return false;
    request_ = Request{};  // its views may point to where input_ was before it grew
    parse_head(input(), request_, head_bytes_);
    start_reply();
    return true;
}

void Connection::start_reply() {
    keep_alive_ = request_.keep_alive;
    reply_ = plan_reply(request_, body_, name_, counters_);
    if (request_.method == "HEAD" && !reply_.never) {
        output_ += reply_head(reply_, name_, keep_alive_);
        reply_ = Reply{};
        head_sent_ = true;
    } else {
        head_sent_ = false;
    }
    sent_ = 0;
    consume(head_bytes_);
    next_piece_ = reply_.delay.count() > 0 ? Clock::now() + reply_.delay : Clock::time_point{};
    state_ = reply_.never ? State::never : State::reply;
}

bool Connection::continue_reply() {
    if (blocked_) return false;
    if (next_piece_ != Clock::time_point{}) {
        if (Clock::now() < next_piece_) return flush() && false;
        next_piece_ = {};
    }
    if (!head_sent_) {
        output_ += reply_.interim;
        output_ += reply_head(reply_, name_, keep_alive_);
        head_sent_ = true;
        const bool bodiless = reply_.status == 204 || reply_.status == 304 || reply_.upgrade;
        if (bodiless) reply_.bytes = 0;
        if (!bodiless && reply_.shape == Shape::text) output_ += reply_.text;
    }
    if (reply_.cut_after && sent_ >= *reply_.cut_after) {
        if (flush()) cut();
        return false;
    }
    if (sent_ < reply_.bytes) {
        add_piece();
        const bool paced = next_piece_ != Clock::time_point{};
        if (!paced && sent_ < reply_.bytes && output_.size() < output_bytes_min) return true;
        return flush();
    }
    finish_reply();
    return state_ != State::closed;
}

void Connection::add_piece() {
    const bool chunked = reply_.shape == Shape::chunked;
    const bool paced = reply_.pause.count() > 0;
    std::uint64_t size = reply_.bytes - sent_;
    if (chunked || paced) size = std::min(size, reply_.piece_bytes);
    if (reply_.cut_after) size = std::min(size, *reply_.cut_after - sent_);
    const std::string_view bytes = pattern(sent_, size);
    if (chunked) fmt::format_to(std::back_inserter(output_), "{:x}\r\n", bytes.size());
    output_ += bytes;
    if (chunked) output_ += "\r\n";
    sent_ += bytes.size();
    if (paced && sent_ < reply_.bytes) next_piece_ = Clock::now() + reply_.pause;
}

void Connection::finish_reply() {
    if (reply_.shape == Shape::chunked && !reply_.cut_after) {
        output_ += reply_.trailers ? "0\r\nX-Sum: 32\r\nX-Origin-Done: yes\r\n\r\n" : "0\r\n\r\n";
    }
    reply_.shape = Shape::text;  // the end is written once, even when the flush below blocks
    if (!flush()) return;
    if (reply_.upgrade) {
        state_ = State::tunnel;
    } else {
        state_ = keep_alive_ ? State::head : State::closed;
    }
}

bool Connection::echo() {
    if (blocked_) return false;
    output_ += input();
    consume(input().size());
    const bool all_sent = flush();
    if (all_sent && input_ended_) state_ = State::closed;
    return false;
}

bool Connection::flush() {
    while (output_at_ < output_.size()) {
        const ssize_t sent = ::send(descriptor_, output_.data() + output_at_,
                                    output_.size() - output_at_, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) {
            blocked_ = errno == EAGAIN;
            if (!blocked_) state_ = State::closed;
            return false;
        }
        output_at_ += static_cast<std::size_t>(sent);
    }
    output_.clear();
    output_at_ = 0;
    if (output_.capacity() > 4 * output_bytes_min) output_.shrink_to_fit();
    return true;
}

void Connection::cut() {
    if (reply_.reset) {
        const linger at_once{1, 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    state_ = State::closed;
}

Wants Connection::wants() const {
    const bool room = input_.size() - input_at_ < input_bytes_max;
    return {.closed = state_ == State::closed,
            .read = room && !input_ended_ && !(state_ == State::tunnel && blocked_),
            .write = blocked_,
            .wake = state_ == State::reply && !blocked_ ? next_piece_ : Clock::time_point{}};
}

}  // namespace poise::origin
