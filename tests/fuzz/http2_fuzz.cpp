// Fuzzes an HTTP/2 connection in both its roles: whatever a peer sends, its streams and output
// stay bounded, and every stream comes to an end.
#include "base/engine.hpp"
#include "proxy/http2_connection.hpp"
#include "proxy/http2_head.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

using namespace poise;
using namespace poise::proxy;

namespace {

/// Ends the run, so that the fuzzer keeps the input.
void require(bool holds) {
    if (!holds) std::abort();
}

// The peer's side: gives the input in pieces, takes what is written as long as it likes to.
class ScriptedStream final : public Stream {
public:
    ScriptedStream(Engine& engine, std::string_view input) : Stream(engine), input_(input) {
        tell(Direction::both);
    }

    IoResult try_read(std::span<char> into) override {
        if (input_.empty()) return {Io::would_block};
        const auto n = std::min({into.size(), input_.size(), piece});
        std::copy_n(input_.data(), n, into.data());
        input_.remove_prefix(n);
        return {Io::ok, 0, n};
    }
    IoResult try_write(std::span<const iovec> pieces) override {
        if (stuck) return {Io::would_block};
        std::size_t bytes = 0;
        for (const iovec& one : pieces)
            bytes += one.iov_len;
        return {Io::ok, 0, bytes};
    }
    bool quiet() override { return true; }
    void shutdown_send() noexcept override {}
    void reset_on_close() noexcept override {}
    bool done() const { return input_.empty(); }

    std::size_t piece = 1'000;
    bool stuck = false;

private:
    std::string_view input_;
};

// What sessions do with a stream, by the bits of `how`.
void use(Http2Stream& stream, std::uint8_t how) {
    static_assert(sizeof(how) == 1);
    std::string buffer(3'000, 'x');
    if (FieldBlock* block = stream.head()) {
        RequestHead request;
        ResponseHead response;
        static_cast<void>(read_request_fields(*block, {}, request));
        static_cast<void>(read_response_fields(*block, false, response));
    }
    if ((how & 1) != 0)
        stream.send_head({.status = 200, .lines = "A: b\r\n", .last = (how & 2) != 0});
    if ((how & 4) != 0) static_cast<void>(stream.try_read(buffer));
    const iovec piece{buffer.data(), buffer.size()};
    if ((how & 8) != 0) static_cast<void>(stream.try_write({&piece, 1}));
    if ((how & 16) != 0) static_cast<void>(stream.try_write_last({&piece, 1}, "T: u\r\n"));
    if ((how & 32) != 0) stream.shutdown_send();
}

void run(Http2Connection::Role role, std::string_view script, std::string_view input) {
    Engine engine;
    BufferPool buffers;
    Http2Memory memory;
    Waiter waiter(engine);
    ScriptedStream stream(engine, input);
    Buffer in(buffers);
    Http2Connection connection(role, stream, waiter, buffers, memory, {});
    std::vector<std::unique_ptr<Http2Stream>> streams;
    if (role == Http2Connection::Role::client)
        if (auto opened = connection.open()) {
            opened->send_head({.method = "POST", .scheme = "http", .authority = "a", .path = "/"});
            streams.push_back(std::move(opened));
        }
    for (std::size_t turn = 0; turn < 200; ++turn) {
        const auto how = static_cast<std::uint8_t>(script[turn % script.size()]);
        stream.piece = std::size_t{1} + how * 5;
        stream.stuck = (how & 0x80) != 0;
        const auto state = connection.turn(in);
        for (auto& one : connection.take_arrived())
            streams.push_back(std::move(one));
        require(connection.running() <= 200);
        if (state == Http2Connection::Turn::ended) break;
        for (auto& one : streams)
            use(*one, how);
        if ((how & 64) != 0 && !streams.empty()) streams.erase(streams.begin());
        if (stream.done() && turn > 20) break;
    }
    connection.announce_end();
    connection.turn(in);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t script_bytes = 4;
    if (size <= script_bytes) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto script = input.substr(0, script_bytes);
    // A preface costs the fuzzer nothing to find.
    const std::string bytes =
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string(input.substr(script_bytes));
    run(Http2Connection::Role::server, script, bytes);
    run(Http2Connection::Role::client, script, std::string_view(bytes).substr(24));
    return 0;
}
