// What people are told: alerts as values, and the messages that are made of them.
#pragma once

#include "config/model.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace poise::admin {

/// One thing that is wrong, is well again, or has happened.
struct Alert {
    enum class Level : std::uint8_t { problem, resolved, notice };

    config::AlertKind kind = config::AlertKind::server;
    Level level = Level::problem;
    std::string subject;  // "web/s1": the same for the problem and for its end
    std::string text;     // "down: connect refused"
    std::string cure;     // what to do; may be empty
    std::int64_t at = 0;  // seconds since 1970
    unsigned grade = 0;   // a problem that has got worse is told again

    bool operator==(const Alert&) const = default;
};

std::string_view word(Alert::Level level);

/// Several alerts that people get at once.
struct AlertMessage {
    std::string node;
    std::string id;  // of this message: the same when it is sent again
    std::int64_t at = 0;
    std::vector<Alert> alerts;  // in the order they came
    std::size_t left_out = 0;   // more alerts than a message holds

    bool operator==(const AlertMessage&) const = default;
};

/// "[lb1] 2 problems: web/s1, web/s2". One line of printable ASCII, at most 120 characters.
std::string title_of(const AlertMessage& message);
/// A line an alert, with its cure beneath it. UTF-8 without control characters but line feeds.
std::string text_of(const AlertMessage& message);
/// The whole e-mail: header, empty line, text; lines end in CRLF.
std::string mail_of(const AlertMessage& message, const config::AlertMail& mail);
/// A JSON object. Its member `text` is what Slack, Mattermost and their like show.
std::string json_of(const AlertMessage& message);

}  // namespace poise::admin
