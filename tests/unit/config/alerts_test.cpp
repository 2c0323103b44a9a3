// node.yaml's alerts.
#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace poise;
using namespace poise::config;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("config/alerts") {
    TEST_CASE("mail, webhook and the rest are read; without them nobody is told") {
        const auto node = parse_node(
            "alerts:\n  events: [pair, config]\n  group: 5s\n  messages_per_hour: 6\n"
            "  smtp: {server: \"mail.example.com:587\", from: lb1@example.com,\n"
            "         to: [ops@example.com, night@example.com]}\n"
            "  webhook: {url: \"https://chat.example.com/hook\"}\n",
            "node.yaml");

        REQUIRE(node);
        const Alerts& alerts = node->alerts;
        CHECK(alerts.events == std::vector{AlertKind::pair, AlertKind::config});
        CHECK(alerts.group == 5s);
        CHECK(alerts.messages_per_hour == 6);
        CHECK(alerts.certificate_days == 14);
        REQUIRE(alerts.smtp);
        CHECK(alerts.smtp->server == "mail.example.com:587");
        CHECK(alerts.smtp->tls == SmtpTls::starttls);
        CHECK(alerts.smtp->to.size() == 2);
        REQUIRE(alerts.webhook);
        CHECK(alerts.webhook->url == "https://chat.example.com/hook");
        CHECK(parse_node("", "node.yaml")->alerts == Alerts{});
        CHECK(parse_node("", "node.yaml")->alerts.events.size() == 5);
    }

    TEST_CASE("what is missing, contradicts itself or cannot be read is said") {
        const auto mail = [](const std::string& more) {
            return node_errors("alerts: {smtp: {" + more + "}}\n");
        };
        const std::string whole = "server: \"10.0.0.9:25\", from: a@b.example, to: c@d.example";

        CHECK(has(mail("from: a@b.example"), "server is missing"));
        CHECK(has(mail("server: \"10.0.0.9:25\", to: c@d.example"), "from is missing"));
        CHECK(has(mail("server: \"10.0.0.9:25\", from: a@b.example"), "to is missing"));
        CHECK(has(mail("server: mail.example.com"), "must be a host and a port"));
        CHECK(has(mail("from: \"Ops <a@b.example>\""), "must be an e-mail address"));
        CHECK(has(mail("to: \"a@b\\nRCPT TO:<x@y>\""), "must be an e-mail address"));
        CHECK(has(mail(whole + ", user: me"), "belong together"));
        CHECK(has(mail(whole + ", user: me, password_file: /nowhere/at/all"), "cannot be read"));
        CHECK(has(mail(whole + ", tls: \"off\", user: me, password_file: /dev/null"),
                  "in the clear"));
        CHECK(mail(whole + ", user: me, password_file: /dev/null").empty());
        CHECK(mail("server: \"127.0.0.1:25\", from: a@b.example, to: c@d.example, tls: \"off\", "
                   "user: me, password_file: /dev/null")
                  .empty());
        CHECK(has(node_errors("alerts: {webhook: {}}\n"), "one of url and url_file"));
        CHECK(has(node_errors("alerts: {webhook: {url: \"http://a\", url_file: /dev/null}}\n"),
                  "one of url and url_file"));
        CHECK(has(node_errors("alerts: {webhook: {url: \"file:///etc/passwd\"}}\n"),
                  "must begin with https://"));
        CHECK(has(node_errors("alerts: {group: 0s}\n"), "group"));
    }
}
