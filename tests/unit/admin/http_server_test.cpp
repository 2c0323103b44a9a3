// The server over real sockets on loopback: limits, time, TLS, a stream of events.
#include "admin/http_server.hpp"

#include "admin/self_signed.hpp"
#include "tests/unit/app/running.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <thread>

using namespace poise;
using namespace poise::admin;
using poise::app::test::Socket;
using poise::app::test::talk;
using poise::app::test::wait_until;

namespace {

// Runs on a thread of its own until destroyed.
struct Served {
    Served() {
        REQUIRE(server.use_identity(make_self_signed("here", std::chrono::system_clock::now())));
        REQUIRE(server.listen(*parse_ip("127.0.0.1"), false));
        REQUIRE(server.listen(*parse_ip("127.0.0.1"), true));
        port = server.places()[0].port;
        tls_port = server.places()[1].port;
        thread = std::thread([this] {
            while (!stopping || server.running() > 0)
                io.run_one_for(std::chrono::milliseconds(50));
        });
    }
    ~Served() {
        boost::asio::post(io, [this] {
            stopping = true;
            server.stop();
        });
        thread.join();
    }

    Response handle(const Request& request) {
        Response response;
        response.type = "text/plain";
        response.body = request.path + "?" + request.query + " " + request.body;
        if (request.path == "/stream") response.may_stream = [] { return true; };
        return response;
    }

    boost::asio::io_context io{1};
    Feed feed;
    std::atomic<bool> stopping{false};
    HttpServer server{io.get_executor(), [this](const Request& request) { return handle(request); },
                      [](const Request& head) { return head.path == "/large" ? 4'000'000U : 10U; },
                      feed};
    std::uint16_t port = 0, tls_port = 0;
    std::thread thread;
};

std::string status(const std::string& answer) {
    return answer.substr(0, answer.find('\r'));
}

}  // namespace

TEST_SUITE("admin/http_server") {
    TEST_CASE("requests are answered one after the other, with the guards of a page") {
        Served served;
        const std::string answer = talk(
            served.port,
            "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n"
            "POST /d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nxyz");
        CHECK(answer.find("/a?b=c ") != std::string::npos);
        CHECK(answer.ends_with("/d? xyz"));
        CHECK(answer.find("Content-Security-Policy: default-src 'none'") != std::string::npos);
        CHECK(answer.find("Cache-Control: no-store") != std::string::npos);
    }

    TEST_CASE("what is too large or no HTTP is told so and cut off") {
        Served served;
        const auto answered = [&](const std::string& text) {
            return status(talk(served.port, text));
        };
        CHECK(answered("POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n") ==
              "HTTP/1.1 413 Payload Too Large");
        CHECK(answered("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "20\r\n01234567890123456789012345678901\r\n0\r\n\r\n") ==
              "HTTP/1.1 413 Payload Too Large");
        CHECK(answered("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n") ==
              "HTTP/1.1 431 Request Header Fields Too Large");
        CHECK(answered("nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
    }

    TEST_CASE(
        "a connection over the limit of its address is closed, and one that ends makes room") {
        Served served;
        std::vector<std::unique_ptr<Socket>> open;
        for (std::size_t i = 0; i < HttpServer::connections_per_address_max; ++i) {
            open.push_back(std::make_unique<Socket>());
            REQUIRE(open.back()->connect(served.port));
        }
        const std::string request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        CHECK(wait_until([&] { return talk(served.port, request).empty(); }));
        open.clear();
        CHECK(wait_until([&] { return !talk(served.port, request).empty(); }));
    }

    TEST_CASE("events reach who listens") {
        Served served;
        const Socket socket;
        REQUIRE(socket.connect(served.port));
        socket.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK(socket.receive("\r\n\r\n").find("200 OK") != std::string::npos);
        std::atomic<bool> joined{false};
        REQUIRE(wait_until([&] {
            boost::asio::post(served.io, [&] { joined = served.feed.any(); });
            return joined.load();
        }));
        boost::asio::post(served.io, [&] { served.feed.publish("status", "{}"); });
        CHECK(socket.receive("\n\n").find("event: status\ndata: {}\n\n") != std::string::npos);
    }

    TEST_CASE("TLS does not take plain text") {
        Served served;
        CHECK(talk(served.tls_port, "GET / HTTP/1.1\r\n\r\n").find("HTTP") == std::string::npos);
    }
}
