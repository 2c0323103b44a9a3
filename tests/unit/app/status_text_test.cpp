// The table for people: what stands in it, and what is left out where there is no room.
#include "app/status.hpp"
#include "app/text.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace poise::app;
using std::chrono::seconds;

namespace {

const std::chrono::system_clock::time_point now{seconds(1'700'000'100)};

ServiceStatus service() {
    ServiceStatus made;
    made.name = "web";
    made.protocol = "http";
    made.scheduler = "rr";
    made.listen = {"[::]:8080"};
    made.requests = 110;
    made.responses = {0, 0, 109, 0, 0, 1};
    made.bytes_in = 8'500;
    made.bytes_out = 26'600;
    made.retries = 5;
    made.failures = {{"no_server", 1}};
    made.servers = {{.name = "web1",
                     .address = "127.0.0.1:9001",
                     .state = "down",
                     .weight = 100,
                     .successes = 3,
                     .failures = 5,
                     .response_us = 700,
                     .reason = "connect refused",
                     .since = 1'700'000'094},
                    {.name = "web2",
                     .state = "unresolved",
                     .weight = 7,
                     .connections = 3,
                     .connections_max = 500}};
    return made;
}

std::size_t widest(const std::string& text) {
    std::size_t most = 0;
    for (const std::string& line : lines_of(text)) {
        std::size_t width = 0;
        bool in_colour = false;
        for (const char c : line) {
            if (c == '\x1b') in_colour = true;
            if (!in_colour && (static_cast<unsigned char>(c) & 0xc0) != 0x80) ++width;
            if (c == 'm') in_colour = false;
        }
        most = std::max(most, width);
    }
    return most;
}

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("app/status_text") {
    TEST_CASE("a service is its address, its counts and a line a server") {
        CHECK(service_text(service(), {.now = now}) ==
              "web  http on [::]:8080, rr\n"
              "  0 open, 110 requests; 2xx 109, 3xx 0, 4xx 0, 5xx 1; 8.5kB in, 26.6kB out; "
              "5 retries\n"
              "  failures: no_server 1\n"
              "  server        address                state      weight  connections    good  "
              "failed  response    since\n"
              "  web1          127.0.0.1:9001         down          100            0       3  "
              "     5     0.7ms       6s  connect refused\n"
              "  web2          -                      unresolved      7        3/500       0  "
              "     0         -        -\n");
    }

    TEST_CASE("a service of datagrams counts them, and has no answers by class") {
        ServiceStatus dns = service();
        dns.protocol = "udp";
        dns.sessions = 3;
        dns.datagrams_in = 1'200;
        dns.datagrams_out = 1'100;
        const std::string text = service_text(dns, {.now = now});
        CHECK(holds(text, "  3 open, 110 sessions ended; datagrams 1.2k in, 1.1k out; 8.5kB in"));
        CHECK_FALSE(holds(text, "2xx"));
    }

    TEST_CASE("in a narrow window no line is wider than it, and what matters stays") {
        for (const bool colour : {false, true}) {
            for (const std::size_t columns : {40, 60, 80, 100, 110, 120, 200}) {
                CAPTURE(columns);
                const std::string text =
                    service_text(service(), {.colour = colour, .now = now, .columns = columns});
                CHECK(widest(text) <= columns);
                CHECK(lines_of(text).size() == 6);
                CHECK(holds(text, "web1"));
                CHECK(holds(text, "down"));
            }
        }
        const std::string narrow = service_text(service(), {.now = now, .columns = 80});
        CHECK(holds(narrow, "good"));
        CHECK(holds(narrow, "since"));
        CHECK(holds(narrow, "connect refused"));
        CHECK_FALSE(holds(narrow, "address"));
        CHECK(holds(narrow, "5 retries"));
    }

    TEST_CASE("a name longer than its column is cut, and does not move the others") {
        ServiceStatus made = service();
        made.servers[0].name = std::string(50, 'n');
        const auto lines = lines_of(service_text(made, {.now = now}));
        CHECK(lines[4].find("127.0.0.1") == lines[3].find("address") + 2);  // of "…", in bytes
        CHECK(holds(lines[4], "n…  "));
    }

    TEST_CASE("colours are there when they are asked for") {
        CHECK(holds(service_text(service(), {.colour = true, .now = now}), "\x1b[31m"));
        CHECK_FALSE(holds(service_text(service(), {.now = now}), "\x1b"));
    }

    TEST_CASE("the node's line counts, and says where to ask for failures") {
        Status status;
        status.node = "lb1";
        status.version = "0.1.0";
        status.uptime_s = 200;
        status.generation = 2;
        status.generations_ending = 1;
        status.workers = 1;
        status.connections = 2;
        status.incidents = 1;
        status.draining = true;
        CHECK(status_text(status, {}) ==
              "node lb1, Poise 0.1.0, up 3m 20s; generation 2 (1 older still ending); 1 worker, 2 "
              "open connections; draining\n1 request refused or failed: `poise why` tells\n");
    }

    TEST_CASE("flows are told, and how many the kernel sends on, or why none") {
        Status status;
        CHECK_FALSE(holds(status_text(status, {}), "layer 4"));
        status.layer4 = Layer4Status{12'300, 64, ""};
        CHECK(holds(status_text(status, {}),
                    "\nlayer 4: 12.3k flows, 64 of them by the fast path; 1 thread\n"));
        status.layer4 = Layer4Status{1, 0, "off by node.yaml"};
        CHECK(holds(status_text(status, {}),
                    "\nlayer 4: 1 flow, no fast path: off by node.yaml; 1 thread\n"));
    }

    TEST_CASE("certificates are told with their names, their end and their state") {
        struct Row {
            std::vector<std::string> names;
            std::int64_t left;
            std::string ocsp;
            std::int64_t stapled;
            std::string text;
        };
        const auto at = std::chrono::floor<seconds>(now.time_since_epoch()).count();
        for (const Row& row : {
                 Row{{"a.test"}, 86'400, "off", 0, "a.test, expires in 1d 0h\n"},
                 Row{{"a.test", "b.test"},
                     60,
                     "good",
                     9,
                     "a.test, b.test, expires in 1m 0s, OCSP "
                     "good\n"},
                 Row{{"a", "b", "c", "d", "e"},
                     60,
                     "failing",
                     3'600,
                     "a, b, c and 2 more, expires in 1m 0s, OCSP failing, stapled for 1h 0m yet\n"},
                 Row{{}, 60, "failing", -1, "no name, expires in 1m 0s, OCSP failing\n"},
                 Row{{"a"}, -3'600, "revoked", 0, "a, expired 1h 0m ago, OCSP revoked\n"},
             }) {
            Status status;
            status.certificates = {{"x.crt", row.names, "rsa", at + row.left, row.ocsp,
                                    row.stapled == 0 ? 0 : at + row.stapled}};
            const std::string text = status_text(status, {.now = now});
            CHECK(text.substr(text.find('\n') + 1) == "certificate x.crt for " + row.text);
        }
    }

    TEST_CASE("of many certificates those are told that expire first") {
        Status status;
        for (int i = 0; i < 30; ++i)
            status.certificates.push_back({fmt::format("{}.crt", i), {}, "rsa", i, "off", 0});
        const std::string text = status_text(status, {.now = now});
        CHECK(holds(text, "certificate 7.crt"));
        CHECK_FALSE(holds(text, "certificate 8.crt"));
        CHECK(
            holds(text, "\nand 22 certificates that expire later: `poise status --json` tells\n"));
    }

    TEST_CASE("ages and counts are short") {
        CHECK(age_text(seconds(0)) == "0s");
        CHECK(age_text(seconds(200)) == "3m 20s");
        CHECK(age_text(seconds(18'120)) == "5h 2m");
        CHECK(age_text(seconds(12 * 86'400 + 3 * 3'600)) == "12d 3h");
        CHECK(count_text(0) == "0");
        CHECK(count_text(999) == "999");
        CHECK(count_text(1'000) == "1.0k");
        CHECK(count_text(12'345) == "12.3k");
        CHECK(count_text(999'999) == "999k");
        CHECK(count_text(4'560'000) == "4.5M");
        CHECK(count_text(~std::uint64_t{0}) == "18.4E");
    }
}
