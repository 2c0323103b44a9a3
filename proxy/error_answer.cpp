#include "proxy/error_answer.hpp"

#include "proxy/answer_media.hpp"
#include "proxy/escape.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cassert>
#include <iterator>

namespace poise::proxy {

namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

constexpr seconds retry_after_default{5};

std::string_view content_type(AnswerMedia media) {
    switch (media) {
        case AnswerMedia::html:
            return "text/html; charset=utf-8";
        case AnswerMedia::json:
            return "application/json";
        case AnswerMedia::problem_json:
            return "application/problem+json";
        case AnswerMedia::text:
            break;
    }
    return "text/plain; charset=utf-8";
}

std::string text_body(const ReasonFacts& why, const AnswerContext& context) {
    std::string body = fmt::format("{} {}\n\n{}\n{}\n\nreason: {}\n", why.status,
                                   status_phrase(why.status), why.text, why.cure, why.id);
    if (!why.section.empty()) body += fmt::format("see: {}\n", why.section);
    if (context.offset) body += fmt::format("byte: {}\n", *context.offset);
    if (!context.request_id.empty()) body += fmt::format("request: {}\n", context.request_id);
    return body;
}

void append_html_row(std::string& body, std::string_view name, std::string_view value) {
    body += "<dt>";
    append_html(body, name);
    body += "</dt><dd>";
    append_html(body, value);
    body += "</dd>\n";
}

std::string html_body(const ReasonFacts& why, const AnswerContext& context) {
    std::string body = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{0} {1}</title>"
        "</head>\n<body>\n<h1>{0} {1}</h1>\n<p>",
        why.status, status_phrase(why.status));
    append_html(body, why.text);
    body += "</p>\n<p>";
    append_html(body, why.cure);
    body += "</p>\n<dl>\n";
    append_html_row(body, "reason", why.id);
    if (!why.section.empty()) append_html_row(body, "see", why.section);
    if (context.offset) append_html_row(body, "byte", fmt::format("{}", *context.offset));
    if (!context.request_id.empty()) append_html_row(body, "request", context.request_id);
    body += "</dl>\n</body>\n</html>\n";
    return body;
}

void append_member(std::string& body, std::string_view name, std::string_view value) {
    body += ",\"";
    body += name;
    body += "\":";
    append_json_string(body, value);
}

// RFC 9457; the members behind "detail" are extensions of ours.
std::string json_body(const ReasonFacts& why, const AnswerContext& context) {
    std::string body = fmt::format("{{\"type\":\"about:blank\",\"status\":{}", why.status);
    append_member(body, "title", status_phrase(why.status));
    append_member(body, "detail", why.text);
    append_member(body, "cure", why.cure);
    append_member(body, "reason", why.id);
    if (!why.section.empty()) append_member(body, "section", why.section);
    if (context.offset) body += fmt::format(",\"offset\":{}", *context.offset);
    if (!context.request_id.empty()) append_member(body, "request_id", context.request_id);
    body += "}\n";
    return body;
}

std::string body_for(AnswerMedia media, const ReasonFacts& why, const AnswerContext& context) {
    switch (media) {
        case AnswerMedia::html:
            return html_body(why, context);
        case AnswerMedia::json:
        case AnswerMedia::problem_json:
            return json_body(why, context);
        case AnswerMedia::text:
            break;
    }
    return text_body(why, context);
}

// A field's value comes from us, but the request's id may be a client's: without line ends.
bool safe_in_field(std::string_view value) {
    return value.find_first_of(std::string_view{"\r\n\0", 3}) == value.npos;
}

std::string make_answer(int status, AnswerMedia media, std::string_view body,
                        const AnswerContext& context) {
    std::string answer = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n",
        status, status_phrase(status), content_type(media), body.size());
    if (context.now) answer += fmt::format("Date: {}\r\n", http_date(*context.now));
    if (!context.request_id.empty() && safe_in_field(context.request_id))
        answer += fmt::format("X-Request-Id: {}\r\n", context.request_id);
    if (!context.location.empty() && safe_in_field(context.location))
        answer += fmt::format("Location: {}\r\n", context.location);
    constexpr int service_unavailable = 503;
    if (context.retry_after || status == service_unavailable)
        answer += fmt::format("Retry-After: {}\r\n",
                              context.retry_after.value_or(retry_after_default).count());
    if (!context.is_message)
        answer += context.keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
    answer += "\r\n";
    if (!context.is_head) answer += body;
    return answer;
}

}  // namespace

std::string make_error_answer(Reason reason, const AnswerContext& context) {
    const ReasonFacts& why = facts(reason);
    assert(why.status != 0);
    const AnswerMedia media = choose_media(context.accept);
    return make_answer(why.status, media, body_for(media, why, context), context);
}

std::string make_sorry_answer(int status, std::string_view body, const AnswerContext& context) {
    assert(status >= 200 && status <= 599);
    constexpr int no_content = 204;
    constexpr int not_modified = 304;
    assert(status != no_content && status != not_modified);  // they have no body
    const std::string short_body = fmt::format("{} {}\n", status, status_phrase(status));
    if (body.empty()) return make_answer(status, AnswerMedia::text, short_body, context);
    return make_answer(status, media_of(body), body, context);
}

std::string http_date(system_clock::time_point time) {
    return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(system_clock::to_time_t(time)));
}

std::string_view status_phrase(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 204:
            return "No Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 417:
            return "Expectation Failed";
        case 421:
            return "Misdirected Request";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Status";
    }
}

}  // namespace poise::proxy
