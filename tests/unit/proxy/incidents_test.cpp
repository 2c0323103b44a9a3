#include "proxy/incidents.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace poise::proxy;

TEST_SUITE("proxy/incidents") {
    Incident incident(std::string id, Reason reason = Reason::bare_lf) {
        Incident made;
        made.request_id = std::move(id);
        made.reason = reason;
        return made;
    }

    TEST_CASE("an incident is found by its request's id") {
        Incidents incidents(10);
        incidents.add(incident("a"));
        incidents.add(incident("b", Reason::connect_failed));

        REQUIRE(incidents.find("b").has_value());
        CHECK(incidents.find("b")->reason == Reason::connect_failed);
        CHECK_FALSE(incidents.find("c").has_value());
    }

    TEST_CASE("an empty id finds nothing, though there are incidents without one") {
        Incidents incidents(10);
        incidents.add(incident(""));
        CHECK_FALSE(incidents.find("").has_value());
    }

    TEST_CASE("of two incidents of one request the newer one is found") {
        Incidents incidents(10);
        incidents.add(incident("a", Reason::connect_failed));
        incidents.add(incident("a", Reason::no_server));
        CHECK(incidents.find("a")->reason == Reason::no_server);
    }

    TEST_CASE("the last ones come newest first, the oldest are forgotten") {
        Incidents incidents(3);
        CHECK(incidents.last(5).empty());
        for (const char* id : {"a", "b", "c", "d", "e"})
            incidents.add(incident(id));

        const auto last = incidents.last(10);
        REQUIRE(last.size() == 3);
        CHECK(last[0].request_id == "e");
        CHECK(last[1].request_id == "d");
        CHECK(last[2].request_id == "c");
        CHECK(incidents.last(1).size() == 1);
        CHECK(incidents.last(0).empty());
        CHECK_FALSE(incidents.find("b").has_value());
        CHECK(incidents.find("c").has_value());
        CHECK(incidents.total() == 5);
    }

    TEST_CASE("texts of any length take bounded room") {
        Incidents incidents(3);
        Incident made = incident(std::string(10'000, 'i'));
        made.detail = std::string(10'000, 'd');
        incidents.add(made);
        const Incident kept = incidents.last(1)[0];
        CHECK(kept.detail.size() == Incidents::detail_bytes_max);
        CHECK(kept.request_id.size() <= Incidents::detail_bytes_max);
    }

    TEST_CASE("each reason blames a side") {
        CHECK(side_of(Reason::bare_lf) == Side::client);
        CHECK(side_of(Reason::untrusted_proxy_header) == Side::client);
        CHECK(side_of(Reason::header_timeout) == Side::client);
        CHECK(side_of(Reason::client_closed) == Side::client);
        CHECK(side_of(Reason::no_service) == Side::us);
        CHECK(side_of(Reason::queue_full) == Side::us);
        CHECK(side_of(Reason::too_many_connections) == Side::us);
        CHECK(side_of(Reason::connect_failed) == Side::server);
        CHECK(side_of(Reason::upstream_send_failed) == Side::server);
        CHECK(side_of(Reason::servers_full) == Side::us);
        CHECK(side_of(Reason::udp_sessions_full) == Side::us);
        CHECK(side_of(Reason::datagram_unsent) == Side::us);
        CHECK(side_of(Reason::port_unreachable) == Side::server);
        CHECK(side_of(Reason::none) == Side::us);
    }

    TEST_CASE("every side and phase has a word") {
        CHECK(word(Side::us) == "us");
        CHECK(word(Phase::proxy_header) == "proxy_header");
        CHECK(word(Phase::connect) == "connect");
        CHECK(word(Repeat::nothing_sent) == "nothing_sent");
        CHECK(word(Repeat::risky) == "risky");
        CHECK(word(Phase::tunnel) == "tunnel");
    }

    TEST_CASE("threads may add and read at once") {
        Incidents incidents(64);
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&incidents, t] {
                for (int i = 0; i < 500; ++i) {
                    incidents.add(incident(std::to_string(t)));
                    incidents.find("2");
                    incidents.last(3);
                }
            });
        }
        for (auto& thread : threads)
            thread.join();
        CHECK(incidents.total() == 2'000);
        CHECK(incidents.last(100).size() == 64);
    }
}
