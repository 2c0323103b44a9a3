// One client of the origin: reads requests in turn and carries out the plan for each.
#pragma once

#include "bench/origin/reply.hpp"

#include <chrono>
#include <string>

namespace poise::origin {

using Clock = std::chrono::steady_clock;

/// What the event loop is to wait for next.
struct Wants {
    bool closed = false;  // destroy the connection
    bool read = true;
    bool write = false;
    Clock::time_point wake{};  // call resume() then; the epoch: no timer
};

class Connection {
public:
    /// Owns `descriptor`, a non-blocking socket. `name` and `counters` outlive the connection.
    Connection(int descriptor, const std::string& name, Counters& counters);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The socket is readable, writable, or the wake time has come.
    Wants on_readable();
    Wants resume();

private:
    enum class State { head, body, reply, tunnel, never, closed };

    bool receive();  // false: end of stream or error
    void advance();  // as many steps as input and output allow
    bool step();     // one step; false: nothing more can be done now
    bool read_head();
    bool read_body();
    void start_reply();
    bool continue_reply();
    void add_piece();
    void finish_reply();
    bool echo();
    bool flush();  // false: the socket is full or broken
    void cut();
    Wants wants() const;
    std::string_view input() const { return std::string_view(input_).substr(input_at_); }
    void consume(std::size_t bytes);

    int descriptor_;
    const std::string& name_;
    Counters& counters_;
    State state_ = State::head;
    bool input_ended_ = false;
    bool blocked_ = false;  // the last send found the socket full
    bool keep_alive_ = true;
    std::string input_;
    std::size_t input_at_ = 0;
    std::string output_;
    std::size_t output_at_ = 0;
    Request request_;
    std::size_t head_bytes_ = 0;
    BodyReader body_;
    Reply reply_;
    std::uint64_t sent_ = 0;  // body bytes of the reply that were put into output_
    bool head_sent_ = false;
    Clock::time_point next_piece_{};
};

}  // namespace poise::origin
