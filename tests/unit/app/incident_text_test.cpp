// What `poise why` prints.
#include "app/incident_text.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace poise;
using namespace poise::app;
using proxy::Incident;
using proxy::Phase;
using proxy::Reason;
using proxy::Repeat;

namespace {

Incident incident(std::string id) {
    Incident made;
    made.at = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
    made.request_id = std::move(id);
    made.service = "web";
    made.client = parse_ip("10.1.2.3").value();
    made.reason = Reason::response_timeout;
    made.side = proxy::Side::server;
    made.phase = Phase::response_head;
    return made;
}

Dropped dropped(l4::Drop reason, int seconds) {
    l4::DroppedPacket packet;
    packet.reason = reason;
    packet.client = parse_address("10.1.2.3:4711").value();
    packet.packet.end = 54;
    packet.packet.network = 14;
    return {std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000 + seconds)),
            "dns", "dns1", packet, 12};
}

std::string text_of(const std::vector<Incident>& incidents) {
    return incidents_text(incidents_to_json(incidents, {}, incidents.size()));
}

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("app/incident_text") {
    TEST_CASE("one incident is explained with its reason, its cure and its time") {
        Incident one = incident("abc");
        one.server = "web1";
        one.attempts = 2;
        one.detail = "timed out";

        const std::string text = text_of({one});

        CHECK(text.starts_with("request abc failed: The real server did not answer in time.\n"));
        CHECK(holds(text, "  reason     response_timeout\n"));
        CHECK(holds(text, "  answer     504\n"));
        CHECK(holds(text, "  at fault   the real server\n"));
        CHECK(holds(text, "  phase      response_head\n"));
        CHECK(holds(text, "  server     web1\n"));
        CHECK(holds(text, "  attempts   2\n"));
        CHECK(holds(text, "  detail     timed out\n"));
        CHECK(holds(text, "  at         2023-11-14T22:13:20Z\n"));
    }

    TEST_CASE("whether to repeat a request is said in three ways, to people and to programs") {
        struct Row {
            Repeat repeat;
            std::string text;
            std::string word;
            bool safe;
        };
        for (const Row& row :
             {Row{Repeat::nothing_sent, "safe: nothing of it has reached a server", "nothing_sent",
                  true},
              Row{Repeat::idempotent,
                  "safe: it has reached a server, but its method is idempotent (RFC 9110 section "
                  "9.2.2)",
                  "idempotent", true},
              Row{Repeat::risky, "not safe: a server may have acted on it", "risky", false}}) {
            CAPTURE(row.word);
            Incident one = incident("abc");
            one.repeat = row.repeat;

            const std::string json = incidents_to_json({one}, {}, 1);
            const auto object = nlohmann::json::parse(json).front();

            CHECK(holds(incidents_text(json), "  repeat     " + row.text + "\n"));
            CHECK(object["repeat"] == row.word);
            CHECK(object["retry_safe"] == row.safe);
        }
    }

    TEST_CASE("an incident that no answer could tell of says so") {
        Incident one = incident("abc");
        one.reason = Reason::client_closed;
        CHECK(holds(text_of({one}), "  answer     none could be given\n"));
    }

    TEST_CASE("an offset is told when there is one, also the first") {
        Incident one = incident("abc");
        CHECK_FALSE(holds(text_of({one}), "offset"));
        one.offset = 0;
        CHECK(holds(text_of({one}), "  offset     0\n"));
    }

    TEST_CASE("several incidents are a line each, and how to ask for one") {
        const std::string text = text_of({incident("abc"), incident("def")});
        CHECK(holds(text, "2023-11-14T22:13:20Z  abc  response_timeout       web  \n"));
        CHECK(holds(text, "  def  "));
        CHECK(text.ends_with(
            "poise why REQUEST-ID explains one of them, poise why SERVICE those of a "
            "service\n"));
    }

    TEST_CASE("no incident, no JSON") {
        CHECK(text_of({}) == "no request was refused or has failed, no packet was dropped\n");
        CHECK(incidents_text("[]", "web") ==
              "web: no request was refused or has failed, no packet was dropped\n");
        CHECK(incidents_text("no JSON").empty());
        CHECK(incidents_text("{}").empty());
    }

    TEST_CASE("a dropped packet has all members of an incident, and is explained like one") {
        const std::string json = incidents_to_json({}, {dropped(l4::Drop::no_neighbour, 0)}, 1);
        const auto packet = nlohmann::json::parse(json).front();
        const auto request =
            nlohmann::json::parse(incidents_to_json({incident("abc")}, {}, 1)).front();

        const std::string text = incidents_text(json);

        for (const auto& [key, value] : request.items()) {
            CAPTURE(key);
            REQUIRE(packet.contains(key));
            CHECK(packet[key].type() == value.type());
        }
        CHECK(packet["packets"] == 12);
        CHECK(text.starts_with("12 packets dropped: The server's address is not answered for"));
        CHECK(holds(text, "  reason     no_neighbour\n  what to do See that the server runs"));
        CHECK(holds(text, "  the last   packet of 40 bytes\n"));
        CHECK(holds(text, "  service    dns\n  server     dns1\n  client     10.1.2.3:4711\n"));
        CHECK(holds(text, "  at         2023-11-14T22:13:20Z\n"));
    }

    TEST_CASE("requests and packets stand in one list by their time, cut at its length") {
        const std::vector<Dropped> drops{dropped(l4::Drop::no_neighbour, 1),
                                         dropped(l4::Drop::no_server, -1)};
        const auto reasons = [&](std::size_t count) {
            std::vector<std::string> found;
            for (const auto& one :
                 nlohmann::json::parse(incidents_to_json({incident("abc")}, drops, count)))
                found.push_back(one["reason"]);
            return found;
        };

        CHECK(reasons(9) ==
              std::vector<std::string>{"no_neighbour", "response_timeout", "no_server"});
        CHECK(reasons(2) == std::vector<std::string>{"no_neighbour", "response_timeout"});
    }

    TEST_CASE("of one service it is told what to do, once for each reason") {
        const std::string text = incidents_text(
            incidents_to_json({incident("abc")},
                              {dropped(l4::Drop::no_server, 2), dropped(l4::Drop::no_server, 1)},
                              9),
            "dns");

        CHECK(
            text.starts_with("2023-11-14T22:13:22Z  packet                      no_server       "
                             "       dns/dns1  packet of 40 bytes\n"));
        CHECK(holds(text,
                    "\n\nno_server (12 packets): No server may take a new flow. Bring a "
                    "server back: poise status tells why each is out.\n"
                    "response_timeout: The real server did not answer in time. "));
    }

    TEST_CASE("control bytes of a client do not reach the terminal") {
        Incident one = incident("abc");
        one.detail = "\x1b[2J";
        CHECK_FALSE(holds(text_of({one}), "\x1b"));
    }
}
