#include "proxy/access_log.hpp"

#include "proxy/escape.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iterator>

namespace poise::proxy {

namespace {

using std::chrono::system_clock;

// A longer target is an attack or a form in a query: what it starts with is enough.
constexpr std::size_t target_bytes_max = 8'192;

// "2026-03-01T12:00:00.123456Z" (RFC 3339, UTC).
void append_time(std::string& out, system_clock::time_point at) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
    const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(at - seconds);
    fmt::format_to(std::back_inserter(out), "{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                   fmt::gmtime(system_clock::to_time_t(seconds)), rest.count());
}

// Writes key=value words or the members of a JSON object: the same keys in the same order.
class LineWriter {
public:
    LineWriter(std::string& out, bool json) : out_(out), json_(json) {
        if (json_) out_ += '{';
    }

    void text(std::string_view key, std::string_view value) {
        start(key);
        json_ ? append_json_string(out_, value) : append_log_value(out_, value);
    }

    void number(std::string_view key, std::uint64_t value) {
        start(key);
        fmt::format_to(std::back_inserter(out_), "{}", value);
    }

    void time(std::string_view key, const std::optional<std::chrono::microseconds>& value) {
        start(key);
        if (value) {
            fmt::format_to(std::back_inserter(out_), "{}", value->count());
        } else {
            out_ += json_ ? "null" : "-";
        }
    }

    void truth(std::string_view key, bool value) {
        start(key);
        out_ += json_ ? (value ? "true" : "false") : (value ? "yes" : "no");
    }

    void end() {
        if (json_) out_ += '}';
    }

private:
    void start(std::string_view key) {
        if (!first_) out_ += json_ ? ',' : ' ';
        first_ = false;
        if (json_) out_ += '"';
        out_ += key;
        out_ += json_ ? "\":" : "=";
    }

    std::string& out_;
    const bool json_;
    bool first_ = true;
};

std::string_view reason_word(Reason reason) {
    return reason == Reason::none ? std::string_view{} : facts(reason).id;
}

void append_request(LineWriter& line, const AccessRecord& record) {
    if (!record.is_request) return;
    line.text("method", record.method);
    if (record.target.size() > target_bytes_max) {
        std::string cut{record.target.substr(0, target_bytes_max)};
        cut += "...";
        line.text("target", cut);
    } else {
        line.text("target", record.target);
    }
    line.text("host", record.host);
    line.text("version", record.http_major == 2   ? "HTTP/2"
                         : record.http_minor == 0 ? "HTTP/1.0"
                                                  : "HTTP/1.1");
    line.number("status", static_cast<std::uint64_t>(record.status));
}

}  // namespace

void append_access_line(std::string& out, const AccessRecord& record, config::LogFormat format) {
    LineWriter line{out, format == config::LogFormat::json};
    std::string at;
    append_time(at, record.at);
    line.text("time", at);
    line.text("id", record.request_id);
    line.text("client", to_string(record.client));
    line.text("service", record.service);
    line.text("server", record.server);
    append_request(line, record);
    line.number("bytes_in", record.bytes_in);
    line.number("bytes_out", record.bytes_out);
    if (record.datagrams_in) line.number("datagrams_in", *record.datagrams_in);
    if (record.datagrams_out) line.number("datagrams_out", *record.datagrams_out);
    line.time("queue_us", record.queue);
    line.time("connect_us", record.connect);
    line.time("first_byte_us", record.first_byte);
    line.time("total_us", record.total);
    line.number("retries", static_cast<std::uint64_t>(record.retries));
    line.truth("reused", record.upstream_reused);
    line.text("reason", reason_word(record.reason));
    line.end();
}

}  // namespace poise::proxy
