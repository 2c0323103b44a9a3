#include "pool/probe.hpp"

#include "tests/unit/pool/scripted_server.hpp"

#include <boost/asio/ip/udp.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace poise;
using namespace poise::pool;
using namespace poise::pool::test;
using namespace std::chrono_literals;
using config::CheckKind;
using config::HealthCheck;

namespace {

Task<void> keep_result(HealthCheck check, std::uint16_t port, ProbeResult* into) {
    const ProbeTarget target{
        .server = loopback(port), .host = "web.example", .virtual_address = {}};
    *into = co_await run_probe(check, target);
}

struct Fixture {
    ProbeResult probe(const HealthCheck& check, std::uint16_t port) {
        TaskGroup tasks(io.get_executor());
        ProbeResult result;
        tasks.spawn(keep_result, check, port, &result);
        REQUIRE(run_until(io, [&] { return tasks.running() == 0; }));
        CHECK(result.duration > 0us);
        return result;
    }

    // The reason, "" when all was well.
    std::string probe_script_server(HealthCheck check, std::vector<Step> script,
                                    AtEnd at_end = AtEnd::close) {
        ScriptedServer server(io, std::move(script), at_end);
        const auto result = probe(check, server.port());
        CHECK(result.ok == result.reason.empty());
        received = server.received();
        server.stop(io);
        return result.reason;
    }

    asio::io_context io{1};
    std::string received;
};

HealthCheck check_of(CheckKind kind, std::chrono::milliseconds timeout = 5s) {
    HealthCheck check;
    check.check = kind;
    check.timeout = timeout;
    return check;
}

// Answers each datagram by the query itself, with these flags.
Task<void> run_dns_server(asio::ip::udp::socket* socket, std::uint8_t flags_low) {
    for (;;) {
        std::array<char, 512> buffer;
        asio::ip::udp::endpoint from;
        const auto bytes =
            co_await socket->async_receive_from(asio::buffer(buffer), from, asio::use_awaitable);
        std::string answer(buffer.data(), bytes);
        const auto send = [&] { socket->send_to(asio::buffer(answer), from); };
        answer[0] ^= 1;  // another's answer, which the probe must pass over
        answer[2] = '\x81';
        answer[3] = '\x80';
        send();
        answer[0] ^= 1;
        answer[3] = static_cast<char>(flags_low);
        send();
    }
}

}  // namespace

TEST_SUITE("pool/probe") {
    TEST_CASE_FIXTURE(Fixture, "tcp: a connection is enough") {
        CHECK(probe_script_server(check_of(CheckKind::tcp), {}) == "");
        CHECK(probe(check_of(CheckKind::tcp), closed_port(io)).reason == "connect refused");
    }

    TEST_CASE_FIXTURE(Fixture, "every kind says that a connect was refused") {
        for (const auto kind : {CheckKind::http, CheckKind::tls, CheckKind::smtp, CheckKind::dns}) {
            CAPTURE(config::word(kind));
            const auto result = probe(check_of(kind), closed_port(io));
            CHECK_FALSE(result.ok);
            CHECK(result.reason == "connect refused");
        }
    }

    TEST_CASE_FIXTURE(Fixture, "a server that stays silent is given up, with the step that hung") {
        struct Row {
            CheckKind kind;
            const char* waiting_for;
        };
        for (const auto& row :
             {Row{CheckKind::http, "the response"}, Row{CheckKind::tls, "the handshake"},
              Row{CheckKind::smtp, "the greeting"}})
            CHECK(probe_script_server(check_of(row.kind, 50ms), {}, AtEnd::hold) ==
                  fmt::format("timed out after 50ms waiting for {}", row.waiting_for));
    }

    TEST_CASE_FIXTURE(Fixture, "http: the status and the body decide") {
        struct Row {
            const char* response;
            const char* body;
            const char* reason;
        };
        const Row rows[] = {
            {"HTTP/1.1 200 OK\r\n\r\n", "", ""},
            {"HTTP/1.1 204 No\r\n\r\n", "", ""},
            {"HTTP/1.1 500 No\r\n\r\n", "", "status 500, expected 200 or 204"},
            {"HTTP/1.1 200 OK\r\n\r\nall is well", "is well", ""},
            {"HTTP/1.1 200 OK\r\n\r\nall is lost", "is well",
             "status 200, but the body does not contain \"is well\""},
            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nis "
             "w\r\n3\r\nell\r\n0\r\n\r\n",
             "is well", ""},
            {"SSH-2.0-OpenSSH\r\n", "", "the answer is not HTTP/1"},
            {"", "", "closed before the response was complete"},
            {"HTTP/1.1 200", "", "closed before the response was complete"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.response);
            auto check = check_of(CheckKind::http);
            check.expect = {200, 204};
            check.body = row.body;
            CHECK(probe_script_server(check, {{"\r\n\r\n", row.response}}) == row.reason);
        }
    }

    TEST_CASE_FIXTURE(Fixture, "http: the request names method, path and host") {
        auto check = check_of(CheckKind::http);
        check.path = "/healthz?full=1";
        check.method = "HEAD";
        const std::vector<Step> script{{"\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}};
        probe_script_server(check, script);
        CHECK(received.starts_with("HEAD /healthz?full=1 HTTP/1.1\r\nHost: web.example:"));

        check.host = "other.example";
        probe_script_server(check, script);
        CHECK(received.find("\r\nHost: other.example\r\n") != std::string::npos);
    }

    TEST_CASE_FIXTURE(Fixture, "http: a body that never ends is given up at a bound") {
        auto check = check_of(CheckKind::http);
        check.body = "is well";
        const auto reason = probe_script_server(
            check, {{"\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n" + std::string(400'000, 'x')}},
            AtEnd::hold);
        CHECK(reason == "more than 262144 bytes before the end of the body");
    }

    TEST_CASE_FIXTURE(Fixture, "smtp: the greeting and EHLO decide") {
        const auto check = check_of(CheckKind::smtp);
        CHECK(probe_script_server(check, {{"", "220-mail\r\n220 ready\r\n"},
                                          {"EHLO poise\r\n", "250-mail\r\n250 SIZE 1\r\n"},
                                          {"QUIT\r\n", "221 bye\r\n"}}) == "");
        CHECK(received == "EHLO poise\r\nQUIT\r\n");
        CHECK(probe_script_server(check, {{"", "554 no service\r\n"}}) ==
              "the greeting is \"554\", expected 220");
        CHECK(probe_script_server(check, {{"", "220 hi\r\n"}, {"EHLO", "421 too busy\r\n"}}) ==
              "the reply to EHLO is \"421\", expected 250");
        CHECK(probe_script_server(check, {{"", "220"}}) == "closed before the end of the greeting");
    }

    TEST_CASE_FIXTURE(Fixture, "tls: what speaks no TLS fails") {
        const auto reason = probe_script_server(check_of(CheckKind::tls),
                                                {{"", "220 mail ready\r\n"}}, AtEnd::hold);
        CHECK(reason.starts_with("handshake failed: "));
        CHECK(probe_script_server(check_of(CheckKind::tls), {{"\x16", ""}}) != "");
    }

    TEST_CASE_FIXTURE(Fixture, "dns: an answer to the query without an error is needed") {
        struct Row {
            std::uint8_t flags;
            const char* reason;
        };
        for (const auto& row : {Row{0x80, ""}, Row{0x83, "answered NXDOMAIN, expected NOERROR"},
                                Row{0x82, "answered SERVFAIL, expected NOERROR"}}) {
            asio::ip::udp::socket socket(io, {asio::ip::address_v4::loopback(), 0});
            TaskGroup tasks(io.get_executor());
            tasks.spawn(run_dns_server, &socket, row.flags);
            auto check = check_of(CheckKind::dns);
            check.query = "www.example";
            CHECK(probe(check, socket.local_endpoint().port()).reason == row.reason);
            CHECK(cancel_and_wait(io, tasks));
        }
        asio::ip::udp::socket silent(io, {asio::ip::address_v4::loopback(), 0});
        CHECK(probe(check_of(CheckKind::dns, 50ms), silent.local_endpoint().port()).reason ==
              "timed out after 50ms waiting for the answer");
        auto bad = check_of(CheckKind::dns);
        bad.query = "a..b";
        CHECK(probe(bad, 1).reason == "\"a..b\" is no DNS name");
    }
}
