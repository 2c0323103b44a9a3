// smtp: the server greets and knows us (RFC 5321, 3.1 and 3.2).
#include "pool/conversation.hpp"
#include "pool/probe.hpp"

#include <fmt/format.h>

#include <string_view>

namespace poise::pool {

namespace {

constexpr std::string_view line_end = "\r\n";

// The last line of a reply has a space, not a hyphen, after the code. Returns the offset after
// the reply that starts at `from`, or 0 while it is not complete.
std::size_t reply_end(std::string_view text, std::size_t from) {
    for (;;) {
        const auto end = text.find(line_end, from);
        if (end == std::string_view::npos) return 0;
        if (end - from < 4 || text[from + 3] != '-') return end + line_end.size();
        from = end + line_end.size();
    }
}

// Reads the reply that starts at `*from`, moves `*from` behind it, and compares its code.
Task<std::string> expect_reply(Conversation& conversation, std::size_t* from, std::string_view code,
                               std::string_view what) {
    const std::string& text = conversation.received();
    std::size_t end = 0;
    while ((end = reply_end(text, *from)) == 0) {
        if (conversation.ended()) co_return fmt::format("closed before the end of {}", what);
        if (auto wrong = co_await conversation.receive(what); !wrong.empty()) co_return wrong;
    }
    const auto found = std::string_view(text).substr(*from, code.size());
    const bool right = found == code;
    auto wrong = right ? "" : fmt::format("{} is {:?}, expected {}", what, found, code);
    *from = end;
    co_return wrong;
}

}  // namespace

Task<std::string> probe_smtp(const config::HealthCheck& check, const ProbeTarget& target) {
    Conversation conversation(co_await this_executor(), check.timeout);
    std::size_t from = 0;
    auto wrong = co_await conversation.connect(target.server);
    if (wrong.empty()) wrong = co_await expect_reply(conversation, &from, "220", "the greeting");
    if (wrong.empty()) wrong = co_await conversation.send("EHLO poise\r\n");
    if (wrong.empty())
        wrong = co_await expect_reply(conversation, &from, "250", "the reply to EHLO");
    if (!wrong.empty()) co_return wrong;
    // A good-bye, so that the server logs no broken session. Whether it works changes nothing.
    if ((co_await conversation.send("QUIT\r\n")).empty())
        co_await expect_reply(conversation, &from, "221", "the reply to QUIT");
    co_return "";
}

}  // namespace poise::pool
