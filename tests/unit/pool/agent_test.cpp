#include "pool/agent.hpp"

#include "tests/unit/pool/scripted_server.hpp"

#include <doctest/doctest.h>

using namespace poise;
using namespace poise::pool;
using namespace poise::pool::test;
using namespace std::chrono_literals;
using Admission = AgentState::Admission;
using Answer = std::expected<std::string, std::string>;

namespace {

Task<void> keep_answer(std::uint16_t port, std::chrono::milliseconds limit, Answer* into) {
    *into = co_await ask_agent(loopback(port), limit);
}

Answer ask(asio::io_context& io, std::uint16_t port, std::chrono::milliseconds limit = 5s) {
    TaskGroup tasks(io.get_executor());
    Answer answer = std::unexpected("not asked");
    tasks.spawn(keep_answer, port, limit, &answer);
    REQUIRE(run_until(io, [&] { return tasks.running() == 0; }));
    return answer;
}

}  // namespace

TEST_SUITE("pool/agent") {
    TEST_CASE("each word changes what it speaks of") {
        struct Row {
            const char* line;
            AgentState expected;
        };
        const Row rows[] = {
            {"75%", {.percent = 75}},
            {"0%\n", {.percent = 0}},
            {"100%\r\nrubbish", {.percent = 100}},
            {"weight:50", {.weight = 50}},
            {"weight:0", {.weight = 0}},
            {"maxconn:30", {.connections_max = 30}},
            {"drain", {.admission = Admission::drain}},
            {"MAINT", {.admission = Admission::maint}},
            {"drain #backup runs", {.admission = Admission::drain, .reason = "backup runs"}},
            {"down", {.down = true}},
            {"down #disk full", {.down = true, .reason = "disk full"}},
            {"down#disk full", {.down = true, .reason = "disk full"}},
            {"stopped", {.down = true, .reason = "stopped"}},
            {"fail", {.down = true, .reason = "fail"}},
            {"fail # \x01 tab", {.down = true, .reason = "? tab"}},
            {"up", {}},
            {"ready #all is well", {}},
            {"up 50% maxconn:9", {.percent = 50, .connections_max = 9}},
            {" ,up,\tready, 50% ,", {.percent = 50}},
            {"down up", {}},
        };
        for (const auto& row : rows) {
            CAPTURE(row.line);
            const auto state = parse_agent_line(row.line, {});
            REQUIRE(state.has_value());
            CHECK(*state == row.expected);
        }
    }

    TEST_CASE("what a line does not speak of stays") {
        auto state = *parse_agent_line("75% maxconn:5", {});
        state = *parse_agent_line("down #disk full", state);
        state = *parse_agent_line("50%", state);
        CHECK(state ==
              AgentState{.percent = 50, .connections_max = 5, .down = true, .reason = "disk full"});
        state = *parse_agent_line("up", state);
        CHECK(state == AgentState{.percent = 50, .connections_max = 5});
        state = *parse_agent_line("drain", state);
        CHECK(parse_agent_line("up", state)->admission == Admission::drain);
        CHECK(parse_agent_line("ready", state)->admission == Admission::ready);
    }

    TEST_CASE("a line with anything wrong in it counts for nothing and says why") {
        struct Row {
            std::string line, error;
        };
        const Row rows[] = {
            {"", "an empty line"},
            {"\n", "an empty line"},
            {"# only a reason", "an empty line"},
            {"banana", "unknown word 'banana'"},
            {"up banana", "unknown word 'banana'"},
            {"101%", "unknown word '101%'"},
            {"-1%", "unknown word '-1%'"},
            {"%", "unknown word '%'"},
            {"7 5%", "unknown word '7'"},
            {"weight:257", "unknown word 'weight:257'"},
            {"weight:", "unknown word 'weight:'"},
            {"maxconn:99999999999999999999", "unknown word 'maxconn:99999999999999999999'"},
            {"HTTP/1.1 400 Bad Request", "unknown word 'http/1.1'"},
            {std::string("\xff\x00", 2), "unknown word '?\?'"},
            {std::string(257, 'x'), "longer than 256 bytes"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.line);
            const auto state = parse_agent_line(row.line, {});
            REQUIRE_FALSE(state.has_value());
            CHECK(state.error() == row.error);
        }
    }

    TEST_CASE("the poller reads one line, also in pieces and without an end") {
        asio::io_context io(1);
        for (const auto& script : {std::vector<Step>{{"", "75% up\n"}},
                                   std::vector<Step>{{"", "75%"}, {"", " up\nmore"}},
                                   std::vector<Step>{{"", "75% up"}}}) {
            ScriptedServer server(io, script);
            const auto answer = ask(io, server.port());
            REQUIRE(answer.has_value());
            CHECK(parse_agent_line(*answer, {}) == AgentState{.percent = 75});
            server.stop(io);
        }
    }

    TEST_CASE("an agent that fails says how") {
        asio::io_context io(1);
        CHECK(ask(io, closed_port(io)).error() == "connect refused");

        ScriptedServer silent(io, {}, AtEnd::hold);
        CHECK(ask(io, silent.port(), 50ms).error() ==
              "timed out after 50ms waiting for the agent's line");
        silent.stop(io);

        ScriptedServer closing(io, {});
        CHECK(ask(io, closing.port()).error() == "closed without a line");
        closing.stop(io);

        // What is too long is refused by the parser, and no more than that is kept.
        ScriptedServer endless(io, {{"", std::string(100'000, '7')}});
        const auto answer = ask(io, endless.port());
        REQUIRE(answer.has_value());
        CHECK(answer->size() == agent_line_bytes_max + 1);
        CHECK_FALSE(parse_agent_line(*answer, {}).has_value());
        endless.stop(io);
    }
}
