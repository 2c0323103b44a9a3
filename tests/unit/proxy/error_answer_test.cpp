#include "proxy/error_answer.hpp"

#include "proxy/answer_media.hpp"
#include "proxy/head.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

using namespace poise::proxy;
using namespace std::chrono_literals;

namespace {

struct Answer {
    ResponseHead head;
    std::string body;
    std::string value(std::string_view name) const {
        for (const Field& field : head.fields) {
            if (same_word(field.name, name)) return std::string{field.value};
        }
        return {};
    }
};

// Reads `text`, which must outlive the result, with the parser for servers' answers.
Answer read(const std::string& text) {
    Answer answer;
    const std::size_t length = head_length(text, 0);
    REQUIRE(length > 0);
    const auto refusal =
        parse_response_head(std::string_view{text}.substr(0, length), {}, false, answer.head);
    REQUIRE_FALSE(refusal.has_value());
    answer.body = text.substr(length);
    return answer;
}

AnswerContext accepting(std::string_view accept) {
    AnswerContext context;
    context.accept = accept;
    context.request_id = "abc";
    return context;
}

}  // namespace

TEST_SUITE("proxy/error_answer") {
    TEST_CASE("plain text says what is wrong, what to do, and which request it was") {
        AnswerContext context = accepting("*/*");
        context.offset = 17;
        const std::string text = make_error_answer(Reason::bare_lf, context);
        const Answer answer = read(text);
        CHECK(answer.head.status == 400);
        CHECK(answer.value("Content-Type") == "text/plain; charset=utf-8");
        CHECK(answer.value("Content-Length") == std::to_string(answer.body.size()));
        CHECK(answer.value("Connection") == "close");
        CHECK(answer.value("X-Request-Id") == "abc");
        CHECK(answer.value("Retry-After").empty());
        const ReasonFacts& why = facts(Reason::bare_lf);
        for (const std::string_view part :
             {why.text, why.cure, why.id, why.section, std::string_view{"byte: 17"},
              std::string_view{"request: abc"}})
            CHECK(answer.body.find(part) != std::string::npos);
    }

    TEST_CASE("a browser gets HTML") {
        const std::string text = make_error_answer(
            Reason::no_server, accepting("text/html,application/xhtml+xml,*/*;q=0.8"));
        const Answer answer = read(text);
        CHECK(answer.head.status == 503);
        CHECK(answer.value("Content-Type") == "text/html; charset=utf-8");
        CHECK(answer.body.starts_with("<!DOCTYPE html>"));
        CHECK(answer.body.find("no_server") != std::string::npos);
    }

    TEST_CASE("a program gets problem JSON") {
        AnswerContext context = accepting("application/problem+json");
        context.offset = 3;
        const std::string text = make_error_answer(Reason::bare_lf, context);
        const Answer answer = read(text);
        CHECK(answer.value("Content-Type") == "application/problem+json");
        const auto json = nlohmann::json::parse(answer.body);
        CHECK(json["status"] == 400);
        CHECK(json["title"] == "Bad Request");
        CHECK(json["reason"] == "bare_lf");
        CHECK(json["offset"] == 3);
        CHECK(json["request_id"] == "abc");
    }

    TEST_CASE("every reason with a status makes an answer that our own parser takes") {
        for (std::size_t i = 0; i < static_cast<std::size_t>(Reason::count_); ++i) {
            const auto reason = static_cast<Reason>(i);
            if (facts(reason).status == 0) continue;
            CAPTURE(facts(reason).id);
            for (const std::string_view accept : {"", "text/html", "application/json"}) {
                const std::string text = make_error_answer(reason, accepting(accept));
                const Answer answer = read(text);
                CHECK(answer.head.status == facts(reason).status);
                CHECK(answer.head.reason_phrase != "Status");
                CHECK(answer.head.content_length == answer.body.size());
                if (accept == "application/json") CHECK(nlohmann::json::accept(answer.body));
            }
        }
    }

    TEST_CASE("the request's id cannot carry markup or fields into the answer") {
        AnswerContext context = accepting("text/html");
        context.request_id = "<script>\r\nEvil: 1";
        const std::string text = make_error_answer(Reason::no_server, context);
        const Answer answer = read(text);
        CHECK(answer.value("Evil").empty());
        CHECK(answer.value("X-Request-Id").empty());
        CHECK(answer.body.find("<script>") == std::string::npos);
    }

    TEST_CASE("HEAD gets the head of the same answer") {
        AnswerContext context = accepting("");
        const std::string whole = make_error_answer(Reason::no_server, context);
        context.is_head = true;
        const std::string head_only = make_error_answer(Reason::no_server, context);
        CHECK(whole.starts_with(head_only));
        CHECK(head_only.ends_with("\r\n\r\n"));
    }

    TEST_CASE("503 says when to come again, other statuses when they are told to") {
        AnswerContext context = accepting("");
        std::string text = make_error_answer(Reason::no_server, context);
        CHECK(read(text).value("Retry-After") == "5");
        context.retry_after = 30s;
        text = make_error_answer(Reason::no_server, context);
        CHECK(read(text).value("Retry-After") == "30");
        text = make_error_answer(Reason::connect_failed, context);
        CHECK(read(text).value("Retry-After") == "30");
    }

    TEST_CASE("the date and the connection's future are told") {
        AnswerContext context = accepting("");
        context.keep_alive = true;
        context.now = std::chrono::system_clock::time_point{784'111'777s};
        const std::string text = make_error_answer(Reason::no_server, context);
        const Answer answer = read(text);
        CHECK(answer.value("Connection") == "keep-alive");
        CHECK(answer.value("Date") == "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    TEST_CASE("a sorry page is the operator's own") {
        const std::string page = "<h1>Back at noon</h1>";
        const std::string text = make_sorry_answer(503, page, accepting("application/json"));
        const Answer answer = read(text);
        CHECK(answer.head.status == 503);
        CHECK(answer.body == page);
        CHECK(answer.value("Content-Type") == "text/html; charset=utf-8");
        CHECK(answer.value("Retry-After") == "5");
        const std::string json = make_sorry_answer(200, " {\"ok\":true}", accepting(""));
        CHECK(read(json).value("Content-Type") == "application/json");
        const std::string empty = make_sorry_answer(404, "", accepting(""));
        CHECK(read(empty).body == "404 Not Found\n");
    }

    TEST_CASE("Accept chooses the form") {
        using enum AnswerMedia;
        struct Row {
            std::string_view accept;
            AnswerMedia media;
        };
        const Row rows[] = {
            {"", text},
            {"*/*", text},
            {"text/*", text},
            {"text/html", html},
            {"TEXT/HTML; charset=utf-8", html},
            {"application/json", json},
            {"application/problem+json, application/json", problem_json},
            {"application/json, text/html", html},
            {"application/json, text/html;q=0.9", json},
            {"text/html;q=0.5, text/plain;q=0.6", text},
            {"text/html;q=0", text},
            {"text/html;q=0.000, application/json;q=0.001", json},
            {"text/html;q=2, application/json", json},
            {"text/html;q=x", text},
            {"text/html;level=1 ; q=0.4, application/json;q=0.5", json},
            {"image/png", text},
            {",,;q=1,", text},
        };
        for (const Row& row : rows) {
            CAPTURE(row.accept);
            CHECK(static_cast<int>(choose_media(row.accept)) == static_cast<int>(row.media));
        }
    }
}
