// The words of messages, whatever servers and files have said.
#include "admin/alert.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace poise;
using namespace poise::admin;
using nlohmann::json;

namespace {

AlertMessage message() {
    return {.node = "lb1",
            .id = "abc",
            .at = 1'800'000'000,
            .alerts = {{.subject = "web/s1",
                        .text = "down: connect refused",
                        .cure = "look at it",
                        .at = 1'799'999'990},
                       {.level = Alert::Level::resolved, .subject = "web/s2", .text = "well"}}};
}

config::AlertMail mail() {
    config::AlertMail mail;
    mail.from = "lb1@example.com";
    mail.to = {"ops@example.com", "night@example.com"};
    return mail;
}

}  // namespace

TEST_SUITE("admin/alert") {
    TEST_CASE("the title counts and names") {
        AlertMessage one = message();
        CHECK(title_of(one) == "[lb1] 1 problem, 1 resolved: web/s1, web/s2");
        one.alerts.pop_back();
        CHECK(title_of(one) == "[lb1] 1 problem: web/s1 down: connect refused");
        for (int i = 0; i < 90; ++i)
            one.alerts.push_back({.subject = "web/server" + std::to_string(i)});
        CHECK(title_of(one).starts_with("[lb1] 91 problems: web/s1, web/server0, "));
        CHECK(title_of(one).size() == 120);
        CHECK(title_of(one).ends_with("..."));
    }

    TEST_CASE("the mail has what a mail must have, and lines end in CRLF") {
        const std::string text = mail_of(message(), mail());

        CHECK(
            text.starts_with("Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nFrom: Poise "
                             "<lb1@example.com>\r\nTo: ops@example.com,\r\n "
                             "night@example.com\r\nSubject: [lb1] 1 problem, 1 resolved: "));
        CHECK(text.find("Message-ID: <abc@example.com>\r\n") != std::string::npos);
        CHECK(text.find("Auto-Submitted: auto-generated\r\n") != std::string::npos);
        CHECK(text.find("\r\n\r\n2027-01-15T07:59:50Z  problem   server web/s1 down: connect "
                        "refused\r\n    look at it\r\n") != std::string::npos);
        for (std::size_t at = text.find('\n'); at != std::string::npos;
             at = text.find('\n', at + 1))
            CHECK(text[at - 1] == '\r');
    }

    TEST_CASE("no text of others makes a field of the header or a line of its own") {
        AlertMessage bad = message();
        bad.alerts.pop_back();
        bad.alerts[0].text = "down\r\nBcc: evil@example.com\r\n\r\n.\r\nMAIL FROM:<x> \xc3\xa9";
        bad.alerts[0].text += std::string(5'000, 'x');

        const std::string text = mail_of(bad, mail());
        CHECK(text.find("\nBcc:") == std::string::npos);
        CHECK(text.find("\n.\r") == std::string::npos);
        const std::string head = text.substr(0, text.find("\r\n\r\n"));
        CHECK(head.find_first_not_of("\r\n", 0) == 0);
        for (const char c : head)
            CHECK((c == '\r' || c == '\n' || (c >= ' ' && c < 0x7f)));
        for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
            CHECK(text.find('\n', at) - at <= 998);
            if (text.find('\n', at) == std::string::npos) break;
        }
    }

    TEST_CASE("the JSON holds every alert, and its text has no markup of a chat") {
        AlertMessage one = message();
        one.left_out = 7;
        one.alerts[0].text = "down: <!channel> & more";

        const json object = json::parse(json_of(one));
        CHECK(object["node"] == "lb1");
        CHECK(object["left_out"] == 7);
        REQUIRE(object["alerts"].size() == 2);
        CHECK(object["alerts"][0]["level"] == "problem");
        CHECK(object["alerts"][0]["text"] == "down: <!channel> & more");
        CHECK(object["alerts"][0]["at"] == "2027-01-15T07:59:50Z");
        const std::string text = object["text"];
        CHECK(text.find('<') == std::string::npos);
        CHECK(text.find("&lt;!channel&gt; &amp; more") != std::string::npos);
        CHECK(text.find("and 7 more") != std::string::npos);
    }

    TEST_CASE("bytes that are no UTF-8 do not break the JSON") {
        AlertMessage one = message();
        one.alerts[0].text = "down: \xff\xfe";

        CHECK(json::accept(json_of(one)));
    }
}
