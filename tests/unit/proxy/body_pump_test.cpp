#include "proxy/body_pump.hpp"

#include "base/engine.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace poise;
using namespace poise::proxy;

namespace {

using State = BodyPump::State;

IoResult result_of(ssize_t n) {
    if (n > 0) return {Io::ok, 0, static_cast<std::size_t>(n)};
    if (n == 0) return {Io::end};
    return errno == EAGAIN ? IoResult{Io::would_block} : IoResult{Io::failed, errno};
}

// A socket that is tried whenever it is asked: no loop runs here.
class TriedStream final : public Stream {
public:
    TriedStream(Engine& engine, int fd) : Stream(engine, fd, Direction::both) {}

    IoResult try_read(std::span<char> into) override {
        return result_of(::recv(fd(), into.data(), into.size(), 0));
    }
    IoResult try_write(std::span<const iovec> pieces) override {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(pieces.data());
        message.msg_iovlen = pieces.size();
        return result_of(::sendmsg(fd(), &message, MSG_NOSIGNAL));
    }
    bool splices() const override { return may_splice; }
    IoResult try_read(Pipe& pipe, std::size_t most) override {
        ++spliced;
        const auto moved = result_of(::splice(fd(), nullptr, pipe.in(), nullptr, most, flags));
        pipe.added(moved.bytes);
        return moved;
    }
    IoResult try_write(Pipe& pipe) override {
        const auto moved =
            result_of(::splice(pipe.out(), nullptr, fd(), nullptr, pipe.held(), flags));
        pipe.removed(moved.bytes);
        return moved;
    }
    bool quiet() override {
        char byte = 0;
        return ::recv(fd(), &byte, 1, MSG_PEEK) < 0;
    }
    void shutdown_send() noexcept override {}
    void reset_on_close() noexcept override {}

    bool may_splice = true;
    int spliced = 0;

private:
    static constexpr unsigned flags = SPLICE_F_NONBLOCK;
};

// One connection: our end, and the peer's as a descriptor that does not block.
struct Ends {
    explicit Ends(Engine& engine) {
        std::array<int, 2> fds{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) ==
                0);
        stream = std::make_unique<TriedStream>(engine, fds[0]);
        peer = fds[1];
    }
    ~Ends() { close_peer(); }
    void close_peer() {
        if (peer >= 0) ::close(peer);
        peer = -1;
    }

    std::unique_ptr<TriedStream> stream;
    int peer = -1;
};

std::string pattern(std::size_t bytes) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i)
        text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
    return text;
}

// A source, a pump and a sink; what the peers send and take is moved by hand.
struct Way {
    Engine engine;
    BufferPool buffers;
    Ends source{engine};
    Ends sink{engine};
    BodyPump pump{buffers};
    std::string arrived;

    std::size_t send(std::string_view bytes) const {
        const auto n = ::send(source.peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    void take() {
        std::array<char, 65'536> piece{};
        for (;;) {
            const auto n = ::recv(sink.peer, piece.data(), piece.size(), 0);
            if (n <= 0) return;
            arrived.append(piece.data(), static_cast<std::size_t>(n));
        }
    }
    State step() { return pump.step(*source.stream, *sink.stream); }

    // Sends all of `bytes` and takes what comes until the pump has an answer that stays.
    State carry(std::string_view bytes, bool then_close = false) {
        for (int i = 0; i < 100'000; ++i) {
            bytes.remove_prefix(bytes.empty() ? 0 : send(bytes));
            if (bytes.empty() && then_close) source.close_peer();
            const State state = step();
            take();
            if (state != State::again && state != State::needs_source && state != State::needs_sink)
                return state;
            if (state == State::needs_source && bytes.empty() && !then_close) return state;
        }
        return State::again;
    }
};

BodyPump::Message message_of(Framing in, Framing out, std::uint64_t length = 0) {
    BodyPump::Message message;
    message.head = "HEAD\r\n\r\n";
    message.framing = in;
    message.framing_out = out;
    message.length = length;
    return message;
}

}  // namespace

TEST_SUITE("proxy/body_pump") {
    TEST_CASE("a large body arrives as it was sent, through a pipe, and no byte beyond its end") {
        Way way;
        const auto body = pattern(3'000'000);
        way.pump.start(message_of(Framing::length, Framing::length, body.size()));

        CHECK(way.carry(body + "NEXT") == State::ended);

        CHECK(way.source.stream->spliced > 1);
        CHECK(way.arrived == "HEAD\r\n\r\n" + body);
        CHECK(way.pump.bytes_read() >= body.size());
        CHECK(way.pump.left_over() == "");
        CHECK_FALSE(way.source.stream->quiet());  // the rest is still in the socket
    }

    TEST_CASE("where one side cannot splice the bytes are copied") {
        for (const bool source_can : {true, false}) {
            Way way;
            (source_can ? way.sink : way.source).stream->may_splice = false;
            const auto body = pattern(500'000);
            way.pump.start(message_of(Framing::length, Framing::length, body.size()));

            CHECK(way.carry(body) == State::ended);

            CHECK(way.source.stream->spliced == 0);
            CHECK(way.arrived == "HEAD\r\n\r\n" + body);
        }
    }

    TEST_CASE("a small body is copied") {
        Way way;
        way.pump.start(message_of(Framing::length, Framing::length, 1'000));
        CHECK(way.carry(pattern(1'000)) == State::ended);
        CHECK(way.source.stream->spliced == 0);
    }

    TEST_CASE(
        "a stream without a length turns to the pipe when much comes, and ends by its close") {
        Way way;
        const auto body = pattern(2'000'000);
        way.pump.start(message_of(Framing::until_close, Framing::until_close));

        CHECK(way.carry(body, true) == State::ended);

        CHECK(way.source.stream->spliced > 0);
        CHECK(way.arrived == "HEAD\r\n\r\n" + body);
    }

    TEST_CASE("a body that is to be chunked is copied, and every chunk is whole") {
        Way way;
        const auto body = pattern(300'000);
        way.pump.start(message_of(Framing::until_close, Framing::chunked));

        CHECK(way.carry(body, true) == State::ended);

        CHECK(way.source.stream->spliced == 0);
        CHECK(way.arrived.ends_with("\r\n0\r\n\r\n"));
        std::string rest = way.arrived.substr(8);
        std::string whole;
        for (;;) {
            const auto line = rest.find("\r\n");
            const auto size = std::stoul(rest.substr(0, line), nullptr, 16);
            if (size == 0) break;
            whole += rest.substr(line + 2, size);
            rest.erase(0, line + 2 + size + 2);
        }
        CHECK(whole == body);
    }

    TEST_CASE("a source that ends early is a cut, whatever was in the pipe has gone out") {
        Way way;
        const auto body = pattern(400'000);
        way.pump.start(message_of(Framing::length, Framing::length, 1'000'000));

        CHECK(way.carry(body, true) == State::source_cut);

        CHECK(way.pump.error() == 0);
        CHECK(way.arrived == "HEAD\r\n\r\n" + body);
    }

    TEST_CASE("a sink that is gone is said so, and its pipe is not used again") {
        Way way;
        const auto body = pattern(1'000'000);
        way.pump.start(message_of(Framing::length, Framing::length, body.size()));
        State state = State::again;
        for (std::size_t sent = 0; state != State::needs_sink;) {  // nobody takes anything
            sent += way.send(std::string_view(body).substr(sent));
            REQUIRE(sent < body.size());
            state = way.step();
        }
        way.sink.close_peer();

        CHECK(way.step() == State::sink_failed);

        way.pump.release();
        auto pipe = way.buffers.take_pipe();
        REQUIRE(pipe != nullptr);
        CHECK(pipe->held() == 0);
        way.buffers.give_back(std::move(pipe));
    }

    TEST_CASE("as many pipes as may be are lent, then bodies are copied") {
        Way way;
        std::vector<std::unique_ptr<Pipe>> lent;
        while (auto pipe = way.buffers.take_pipe())
            lent.push_back(std::move(pipe));
        CHECK(lent.size() == 64);
        const auto body = pattern(500'000);
        way.pump.start(message_of(Framing::length, Framing::length, body.size()));

        CHECK(way.carry(body) == State::ended);

        CHECK(way.source.stream->spliced == 0);
        CHECK(way.arrived == "HEAD\r\n\r\n" + body);
        for (auto& pipe : lent)
            way.buffers.give_back(std::move(pipe));
    }
}
