// What the demo servers understand and say, as pure functions.
#include "app/demo_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace poise::app {

namespace {

std::string_view cut(std::string_view& rest, std::string_view separator) {
    const std::size_t at = rest.find(separator);
    const std::string_view first = rest.substr(0, at);
    rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + separator.size());
    return first;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t'))
        text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t'))
        text.remove_suffix(1);
    return text;
}

void take_field(DemoRequest& request, const std::string& name, std::string_view value) {
    if (name == "accept") request.wants_html = value.find("text/html") != std::string_view::npos;
    if (name == "connection" && lower(value) == "close") request.close = true;
    if (name == "transfer-encoding") request.close = true;  // its end is not looked for
    if (name == "x-forwarded-for") request.forwarded_for = value;
    if (name == "content-length")
        std::from_chars(value.data(), value.data() + value.size(), request.body_bytes);
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";
        } else if (c == '&') {
            out += "&amp;";
        } else {
            out += c;
        }
    }
    return out;
}

std::string page(const DemoFace& face, const DemoRequest& request, std::uint64_t number) {
    return fmt::format(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<title>{0}: Poise demo</title>\n"
        "<style>body{{margin:0;min-height:100vh;display:grid;place-content:center;"
        "text-align:center;font:1.2rem system-ui,sans-serif;color:#fff;background:{1}}}"
        "h1{{font-size:6rem;margin:0}}a{{color:#fff}}</style>\n"
        "<h1>{0}</h1>\n<p>request {2} of this server, for {3}</p>\n"
        "<p><a href=\"\">load again</a> to meet the next one; "
        "<a href=\"/slow\">/slow</a> takes its time</p>\n</html>\n",
        face.name, face.colour, number, escaped(request.forwarded_for));
}

}  // namespace

DemoRequest parse_demo_request(std::string_view head) {
    DemoRequest request;
    std::string_view line = cut(head, "\r\n");
    const std::string_view method = cut(line, " ");
    const std::string_view target = cut(line, " ");
    if (!line.starts_with("HTTP/1.") || !target.starts_with('/')) return request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    request.close = line == "HTTP/1.0";
    while (!head.empty()) {
        std::string_view value = cut(head, "\r\n");
        const std::string name = lower(cut(value, ":"));
        take_field(request, name, trimmed(value));
    }
    return request;
}

std::string demo_answer(const DemoFace& face, const DemoRequest& request, std::uint64_t number) {
    const bool understood = !request.path.empty();
    const bool html = understood && request.wants_html && request.path != "/healthz";
    std::string body = fmt::format("{}: request {} of this server\n", face.name, number);
    if (request.path == "/healthz") body = "fine\n";
    if (html) body = page(face, request, number);
    std::string answer = fmt::format(
        "HTTP/1.1 {}\r\nServer: poise-demo-{}\r\nContent-Type: text/{}; charset=utf-8\r\n"
        "Cache-Control: no-store\r\nContent-Length: {}\r\n{}\r\n",
        understood ? "200 OK" : "400 Bad Request", face.name, html ? "html" : "plain", body.size(),
        request.close || !understood ? "Connection: close\r\n" : "");
    if (request.method != "HEAD") answer += body;
    return answer;
}

}  // namespace poise::app
