#include "admin/alert.hpp"

#include "admin/journal.hpp"
#include "admin/json_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <nlohmann/json.hpp>

namespace poise::admin {

using nlohmann::json;

namespace {

constexpr std::size_t title_bytes_max = 120;
constexpr std::size_t line_bytes_max = 900;  // RFC 5322 section 2.1.1 allows 998

// What servers and files say may hold anything.
std::string on_one_line(std::string_view text, bool ascii) {
    std::string out;
    for (const char c : text.substr(0, line_bytes_max)) {
        const auto byte = static_cast<unsigned char>(c);
        const bool control = byte < 0x20 || byte == 0x7f;
        out += control || (ascii && byte >= 0x80) ? '?' : c;
    }
    return out;
}

std::size_t count_of(const AlertMessage& message, Alert::Level level) {
    return static_cast<std::size_t>(std::ranges::count(message.alerts, level, &Alert::level));
}

void add_count(std::string& title, std::size_t count, std::string_view one, std::string_view many) {
    if (count == 0) return;
    title += fmt::format("{}{} {}", title.empty() ? "" : ", ", count, count == 1 ? one : many);
}

// Slack and its like may show `&`, `<` and `>` as something else (a link, a mention).
std::string for_chat(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') {
            out += "&amp;";
        } else if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

std::string_view word(Alert::Level level) {
    switch (level) {
        case Alert::Level::problem:
            return "problem";
        case Alert::Level::resolved:
            return "resolved";
        case Alert::Level::notice:
            break;
    }
    return "notice";
}

std::string title_of(const AlertMessage& message) {
    std::string counts;
    add_count(counts, count_of(message, Alert::Level::problem), "problem", "problems");
    add_count(counts, count_of(message, Alert::Level::resolved), "resolved", "resolved");
    add_count(counts, count_of(message, Alert::Level::notice), "notice", "notices");
    std::string title = fmt::format("[{}] {}: ", message.node, counts);
    std::vector<std::string_view> told;  // a subject that went and came is named once
    for (const Alert& alert : message.alerts) {
        if (std::ranges::find(told, alert.subject) != told.end()) continue;
        title += (told.empty() ? "" : ", ") + alert.subject;
        told.emplace_back(alert.subject);
        if (message.alerts.size() == 1) title += " " + alert.text;
    }
    title = on_one_line(title, true);
    if (title.size() <= title_bytes_max) return title;
    return title.substr(0, title_bytes_max - 3) + "...";
}

std::string text_of(const AlertMessage& message) {
    std::string text;
    for (const Alert& alert : message.alerts) {
        fmt::format_to(std::back_inserter(text), "{}  {:<8}  {} {} {}\n", time_text(alert.at),
                       word(alert.level), config::word(alert.kind),
                       on_one_line(alert.subject, false), on_one_line(alert.text, false));
        if (!alert.cure.empty()) text += "    " + on_one_line(alert.cure, false) + '\n';
    }
    if (message.left_out > 0)
        fmt::format_to(std::back_inserter(text), "and {} more: the log has them\n",
                       message.left_out);
    return text;
}

std::string mail_of(const AlertMessage& message, const config::AlertMail& mail) {
    std::string to;
    for (const std::string& one : mail.to)
        to += (to.empty() ? "" : ",\r\n ") + one;
    const std::string host = mail.from.substr(mail.from.find('@') + 1);
    std::string out = fmt::format(
        "Date: {:%a, %d %b %Y %H:%M:%S +0000}\r\nFrom: Poise <{}>\r\nTo: {}\r\nSubject: {}\r\n"
        "Message-ID: <{}@{}>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
        fmt::gmtime(static_cast<std::time_t>(message.at)), mail.from, to, title_of(message),
        message.id, host);
    for (const char c : text_of(message)) {
        if (c == '\n') out += '\r';
        out += c;
    }
    return out + fmt::format("\r\n-- \r\nPoise on {}; message {}\r\n",
                             on_one_line(message.node, true), message.id);
}

std::string json_of(const AlertMessage& message) {
    json alerts = json::array();
    for (const Alert& alert : message.alerts) {
        alerts.push_back({{"kind", config::word(alert.kind)},
                          {"level", word(alert.level)},
                          {"subject", alert.subject},
                          {"text", alert.text},
                          {"cure", alert.cure},
                          {"at", time_text(alert.at)}});
    }
    return json_text(json{{"id", message.id},
                          {"node", message.node},
                          {"at", time_text(message.at)},
                          {"title", title_of(message)},
                          {"text", for_chat(title_of(message) + "\n" + text_of(message))},
                          {"left_out", message.left_out},
                          {"alerts", std::move(alerts)}});
}

}  // namespace poise::admin
