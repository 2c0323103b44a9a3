// The table of reasons: what logs, metrics and answers rely on.
#include "proxy/refusal.hpp"

#include "config/load.hpp"

#include <doctest/doctest.h>

#include <regex>
#include <set>
#include <string>

using namespace poise::proxy;

TEST_SUITE("proxy/refusal") {
    TEST_CASE("each reason has an id of its own that fits a metric's label") {
        std::set<std::string_view> ids;

        for (std::size_t i = 0; i < static_cast<std::size_t>(Reason::count_); ++i) {
            const auto& reason = facts(static_cast<Reason>(i));
            CAPTURE(reason.id);

            CHECK(ids.insert(reason.id).second);
            CHECK(reason.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") ==
                  std::string_view::npos);
        }
    }

    TEST_CASE("texts and cures are sentences") {
        for (std::size_t i = 0; i < static_cast<std::size_t>(Reason::count_); ++i) {
            const auto& reason = facts(static_cast<Reason>(i));
            CAPTURE(reason.id);

            CHECK(reason.text.ends_with('.'));
            CHECK(reason.cure.ends_with('.'));
            CHECK(reason.text.find('\n') == std::string_view::npos);
            CHECK((reason.section.empty() || reason.section.starts_with("RFC ")));
        }
    }

    // A cure that names what nobody can write is worse than none.
    TEST_CASE("the keys that cures name are in the reference, in the mapping that they name") {
        const std::string reference = poise::config::config_reference_markdown();
        const std::regex named("(timeouts|limits|node)[.]([a-z_]+)");
        std::size_t found = 0;

        for (std::size_t i = 0; i < static_cast<std::size_t>(Reason::count_); ++i) {
            const std::string cure(facts(static_cast<Reason>(i)).cure);
            CHECK(cure.find("limit of the service") == std::string::npos);
            CHECK(cure.find("time-out of the") == std::string::npos);
            for (std::sregex_iterator at(cure.begin(), cure.end(), named), end; at != end; ++at) {
                CAPTURE(at->str());
                const auto mapping = reference.find("\n### " + at->str(1) + "\n");
                REQUIRE(mapping != std::string::npos);
                const auto next = reference.find("\n### ", mapping + 1);
                const auto key = reference.find("| `" + at->str(2) + "` |", mapping);
                CHECK(key < next);
                ++found;
            }
        }
        CHECK(found >= 14);
    }

    TEST_CASE("statuses tell whose fault it is") {
        struct Row {
            Reason reason;
            std::string_view id;
            int status;
        };
        const Row rows[] = {
            {Reason::none, "none", 0},
            {Reason::bare_lf, "bare_lf", 400},
            {Reason::bad_version, "bad_version", 505},
            {Reason::bad_transfer_encoding, "bad_transfer_encoding", 501},
            {Reason::head_too_long, "head_too_long", 431},
            {Reason::too_many_fields, "too_many_fields", 431},
            {Reason::request_line_too_long, "request_line_too_long", 414},
            {Reason::body_too_long, "body_too_long", 413},
            {Reason::bad_expect, "bad_expect", 417},
            {Reason::connect_refused, "connect_refused", 501},
            {Reason::header_timeout, "header_timeout", 408},
            {Reason::body_timeout, "body_timeout", 408},
            {Reason::body_too_slow, "body_too_slow", 408},
            {Reason::client_closed, "client_closed", 0},
            {Reason::no_service, "no_service", 404},
            {Reason::no_server, "no_server", 503},
            {Reason::queue_full, "queue_full", 503},
            {Reason::queue_timeout, "queue_timeout", 503},
            {Reason::draining, "draining", 503},
            {Reason::servers_full, "servers_full", 0},
            {Reason::udp_sessions_full, "udp_sessions_full", 0},
            {Reason::datagram_unsent, "datagram_unsent", 0},
            {Reason::port_unreachable, "port_unreachable", 0},
            {Reason::too_many_connections, "too_many_connections", 0},
            {Reason::connect_failed, "connect_failed", 502},
            {Reason::connect_timeout, "connect_timeout", 504},
            {Reason::unresolved, "unresolved", 502},
            {Reason::response_timeout, "response_timeout", 504},
            {Reason::response_reset, "response_reset", 502},
            {Reason::response_cut, "response_cut", 502},
            {Reason::bad_response, "bad_response", 502},
            {Reason::response_head_too_long, "response_head_too_long", 502},
            {Reason::response_idle, "response_idle", 504},
            {Reason::upstream_send_failed, "upstream_send_failed", 502},
        };

        for (const Row& row : rows) {
            CAPTURE(row.id);
            CHECK(facts(row.reason).id == row.id);
            CHECK(facts(row.reason).status == row.status);
        }
    }
}
