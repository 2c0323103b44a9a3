// TLS as a Stream: bytes, ends that can be trusted and cuts that cannot, and what is no TLS at all.
#include "tls/stream.hpp"

#include "tests/unit/tls/ends.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>

using namespace poise;
using namespace poise::tls;
using namespace poise::tls::test;

namespace {

// A server of ours, and a client by hand.
struct Connection {
    explicit Connection(ServerSettings settings = {}, std::string_view early = {})
        : served(side, {authority.make("site", {})}, std::move(settings)),
          stream(side.stream(pair.ours, served.context->make_session(), TlsStream::Side::server,
                             early)),
          peer(pair.theirs) {}

    // After a handshake by TLS 1.2 or 1.3.
    void connect(int version = TLS1_3_VERSION) {
        SSL_CTX_set_min_proto_version(client.get(), version);
        SSL_CTX_set_max_proto_version(client.get(), version);
        REQUIRE(shake(side, *stream, peer.speak(client.get())) == Handshake::done);
    }
    IoResult read(std::string& into) {
        side.turn();
        std::array<char, 65'536> buffer{};
        const auto got = stream->try_read(buffer);
        into.assign(buffer.data(), got.bytes);
        return got;
    }
    // What the handshake comes to when the client begins like this.
    HandshakeFault fault_after(std::string_view first, bool then_closes = false) {
        peer.send(first);
        if (then_closes) peer.close();
        return shake(side, *stream, nullptr) == Handshake::failed ? stream->fault()
                                                                  : HandshakeFault::none;
    }

    Authority authority;
    Side side;
    Pair pair;
    Served served;
    std::unique_ptr<TlsStream> stream;
    Owned<ssl_ctx_st> client = client_context();
    Peer peer;
};

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>(i * 31 >> 3);
    return text;
}

}  // namespace

TEST_SUITE("tls/stream") {
    TEST_CASE("bytes pass both ways, in either version") {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            Connection with;
            with.connect(version);
            std::string got;

            CHECK(with.read(got).state == Io::would_block);
            REQUIRE(SSL_write(with.peer.session(), "hello", 5) == 5);
            CHECK(with.read(got).state == Io::ok);
            CHECK(got == "hello");
            CHECK(write_text(*with.stream, "answer").bytes == 6);
            std::array<char, 16> buffer{};
            CHECK(SSL_read(with.peer.session(), buffer.data(), 16) == 6);
            CHECK(with.stream->version() == (version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"));
        }
    }

    TEST_CASE("more than the socket takes is offered again and arrives once, in order") {
        Connection with;
        with.connect();
        const std::string sent = pattern(1 << 20);
        std::string got;
        std::array<char, 16'384> buffer{};
        std::size_t done = 0;
        bool blocked = false;

        for (int i = 0; i < turns_max && got.size() < sent.size(); ++i) {
            with.side.turn();
            if (done < sent.size()) {
                const auto wrote = write_text(*with.stream, std::string_view(sent).substr(done));
                done += wrote.bytes;
                blocked = blocked || wrote.state == Io::would_block;
            }
            const int n = SSL_read(with.peer.session(), buffer.data(), 16'384);  // a record
            if (n > 0) got.append(buffer.data(), static_cast<std::size_t>(n));
        }

        CHECK(blocked);
        CHECK(got == sent);
    }

    TEST_CASE("many records at once are read by few calls") {
        Connection with;
        with.connect();
        const std::string sent = pattern(40'000);
        REQUIRE(SSL_write(with.peer.session(), sent.data(), 40'000) == 40'000);

        std::string got;
        CHECK(with.read(got).state == Io::ok);
        CHECK(got == sent);
    }

    TEST_CASE("a goodbye is an end, and the other direction goes on") {
        Connection with;
        with.connect();
        std::string got;
        REQUIRE(SSL_write(with.peer.session(), "last", 4) == 4);
        SSL_shutdown(with.peer.session());

        CHECK(with.read(got).state == Io::ok);
        CHECK(got == "last");
        CHECK(with.read(got).state == Io::end);
        CHECK(write_text(*with.stream, "still here").bytes == 10);
    }

    TEST_CASE("a cut without a goodbye is no end, at and within a record") {
        Connection at;
        at.connect();
        std::string got;
        at.peer.close();
        const auto cut = at.read(got);
        CHECK(cut.state == Io::failed);
        CHECK(cut.error == ECONNRESET);

        Connection within;
        within.connect();
        within.peer.send(std::string_view("\x17\x03\x03\x01\x00half", 9));
        within.peer.close();
        CHECK(within.read(got).state == Io::failed);
    }

    TEST_CASE("a record that was changed on the way ends the connection") {
        Connection with;
        with.connect();
        with.peer.send(std::string_view("\x17\x03\x03\x00\x20", 5));
        with.peer.send(std::string(32, 'x'));
        std::string got;

        const auto failed = with.read(got);

        CHECK(failed.state == Io::failed);
        CHECK(failed.error == EPROTO);
        CHECK_FALSE(with.stream->error_text().empty());
    }

    TEST_CASE("who goes says goodbye, unless a reset was asked for") {
        for (const bool reset : {false, true}) {
            Connection with;
            with.connect();
            if (reset) with.stream->reset_on_close();
            with.stream.reset();
            char byte = 0;

            const int n = SSL_read(with.peer.session(), &byte, 1);

            CHECK((SSL_get_error(with.peer.session(), n) == SSL_ERROR_ZERO_RETURN) == !reset);
            ERR_clear_error();
        }
    }

    TEST_CASE("what is no TLS is told from what is, by the first bytes") {
        using enum HandshakeFault;
        struct Row {
            std::string first;
            HandshakeFault fault;
        };
        const std::string record("\x16\x03\x01\x02\x00", 5);
        for (const Row& row :
             {Row{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", plain_http},
              Row{"M-SEARCH * HTTP/1.1\r\n\r\n", plain_http}, Row{"SSH-2.0-x\r\n", not_tls},
              Row{std::string(600, '\0'), not_tls}, Row{std::string(600, '\xff'), not_tls},
              Row{"\x16\x03\x01\xff\xff" + std::string(1000, 'x'), not_tls},
              Row{record + std::string(512, 'x'), not_tls}}) {
            CAPTURE(row.first.substr(0, 12));
            Connection with;
            CHECK(with.fault_after(row.first) == row.fault);
            CHECK(with.stream->began());
        }
    }

    TEST_CASE("a hello that is cut short is a closed connection, one that never ends is refused") {
        Connection cut;
        CHECK(cut.fault_after(std::string_view("\x16\x03\x01\x00\x80\x01\x00", 7), true) ==
              HandshakeFault::closed);
        Connection silent;
        CHECK(silent.fault_after("", true) == HandshakeFault::closed);
        CHECK_FALSE(silent.stream->began());

        // 16 MiB announced: refused by its length, before they come.
        Connection endless;
        std::string hello("\x16\x03\x01\x40\x00\x01\xff\xff\xff\x03\x03", 11);
        hello.resize(5 + 16'384, 'x');
        CHECK(endless.fault_after(hello) != HandshakeFault::none);
    }

    TEST_CASE("nothing in common is told as that") {
        Connection old;
        SSL_CTX_set_security_level(old.client.get(), 0);
        SSL_CTX_set_min_proto_version(old.client.get(), TLS1_1_VERSION);
        SSL_CTX_set_max_proto_version(old.client.get(), TLS1_1_VERSION);
        CHECK(shake(old.side, *old.stream, old.peer.speak(old.client.get())) == Handshake::failed);
        CHECK(old.stream->fault() == HandshakeFault::nothing_shared);

        Connection other(ServerSettings{.protocols = {"h2"}});
        SSL* session = other.peer.speak(other.client.get());
        SSL_set_alpn_protos(session, reinterpret_cast<const unsigned char*>("\x03irc"), 4);
        CHECK(shake(other.side, *other.stream, session) == Handshake::failed);
        CHECK(other.stream->fault() == HandshakeFault::nothing_shared);
        ERR_clear_error();
    }

    TEST_CASE("a new handshake within a connection is refused, and the connection goes on") {
        Connection with;
        with.connect(TLS1_2_VERSION);
        std::string got;
        SSL* session = with.peer.session();
        REQUIRE(SSL_renegotiate(session) == 1);
        SSL_do_handshake(session);

        CHECK(with.read(got).state == Io::would_block);

        CHECK(SSL_do_handshake(session) != 1);
        CHECK(ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_RENEGOTIATION);
        ERR_clear_error();
        CHECK(write_text(*with.stream, "still here").state == Io::ok);
    }

    TEST_CASE("bytes that were read before TLS began are part of the hello") {
        Connection with;
        SSL_CTX* context = with.client.get();
        SSL* session = with.peer.speak(context);
        SSL_do_handshake(session);
        std::array<char, 200> first{};
        const ssize_t n = ::recv(with.stream->fd(), first.data(), first.size(), 0);
        REQUIRE(n == 200);

        TlsStream continued(*with.stream, with.served.context->make_session(), with.side.library,
                            TlsStream::Side::server, {first.data(), first.size()});

        CHECK(shake(with.side, continued, session) == Handshake::done);
    }

    TEST_CASE("an idle connection is quiet, also with a ticket that nobody reads") {
        Connection with;
        with.connect();

        with.side.turn();
        CHECK(with.stream->quiet());
        REQUIRE(SSL_write(with.peer.session(), "x", 1) == 1);
        with.side.turn();
        CHECK_FALSE(with.stream->quiet());
    }
}
