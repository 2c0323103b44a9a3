#include "base/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <fcntl.h>
#include <iterator>
#include <unistd.h>
#include <utility>

namespace poise {

namespace {

constexpr std::array<std::string_view, 4> words{"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 4> colours{"\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
constexpr std::string_view colour_off = "\x1b[0m";
constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

std::string time_text(std::chrono::system_clock::time_point at) {
    const auto whole = std::chrono::floor<std::chrono::milliseconds>(at);
    const auto rest = whole - std::chrono::floor<std::chrono::seconds>(whole);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), rest.count());
}

bool is_control(unsigned char byte) {
    return byte < 0x20 || byte == 0x7f;
}

void append_plain(std::string& out, std::string_view message) {
    for (const char c : message) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_control(byte)) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
}

// The length of the UTF-8 sequence at the start of `text`; 0 when it is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = at(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((at(i) & 0xc0) != 0x80) return 0;
    // Longer than needed, a surrogate, or past U+10FFFF.
    if (first == 0xe0 && at(1) < 0xa0) return 0;
    if (first == 0xed && at(1) > 0x9f) return 0;
    if (first == 0xf0 && at(1) < 0x90) return 0;
    if (first == 0xf4 && at(1) > 0x8f) return 0;
    return length;
}

void append_json(std::string& out, std::string_view message) {
    while (!message.empty()) {
        const std::size_t length = utf8_length(message);
        const auto byte = static_cast<unsigned char>(message[0]);
        if (length == 0) {
            out += replacement;
        } else if (byte == '"' || byte == '\\') {
            out += '\\';
            out += message[0];
        } else if (is_control(byte)) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        } else {
            out += message.substr(0, length);
        }
        message.remove_prefix(length == 0 ? 1 : length);
    }
}

}  // namespace

std::string log_line_text(Severity severity, std::string_view message,
                          std::chrono::system_clock::time_point at, bool colour) {
    const auto index = static_cast<std::size_t>(severity);
    std::string line = time_text(at);
    line += ' ';
    if (colour) line += colours[index];
    line += fmt::format("{:5}", words[index]);
    if (colour) line += colour_off;
    line += ' ';
    append_plain(line, message);
    line += '\n';
    return line;
}

std::string log_line_json(Severity severity, std::string_view message,
                          std::chrono::system_clock::time_point at) {
    std::string line = fmt::format(R"({{"time":"{}","level":"{}","message":")", time_text(at),
                                   words[static_cast<std::size_t>(severity)]);
    append_json(line, message);
    line += "\"}\n";
    return line;
}

std::expected<std::unique_ptr<Log>, std::error_code> Log::open(Options options) {
    auto writer = LogWriter::open(options.path);
    if (!writer) return std::unexpected(writer.error());
    const bool colour = options.path.empty() && ::isatty(STDOUT_FILENO) == 1;
    return std::unique_ptr<Log>(new Log(std::move(options), std::move(*writer), colour));
}

Log::Log(Options options, std::unique_ptr<LogWriter> writer, bool colour)
    : options_(std::move(options)),
      colour_(colour),
      writer_(std::move(writer)),
      queue_(writer_->add_queue(queue_bytes)) {}

Log::~Log() {
    tell_losses();
}

void Log::write(Severity severity, std::string_view message) {
    if (severity < options_.least) return;
    const std::lock_guard lock(mutex_);
    push_losses();
    if (!push(severity, message)) ++lines_dropped_;
}

void Log::tell_losses() {
    const std::lock_guard lock(mutex_);
    push_losses();
}

std::uint64_t Log::lines_lost() const {
    const std::lock_guard lock(mutex_);
    return losses();
}

bool Log::flush_within(std::chrono::milliseconds limit) {
    return writer_->flush_within(limit);
}

std::error_code Log::reopen() {
    if (options_.path.empty()) return {};
    // The writer opens it later, on its own thread: whether that will succeed is tried here.
    const int fd = ::open(options_.path.c_str(),
                          O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0) return {errno, std::generic_category()};
    ::close(fd);
    writer_->reopen();
    return {};
}

// From here on the caller holds the mutex.

bool Log::push(Severity severity, std::string_view message) {
    const auto now = std::chrono::system_clock::now();
    std::string line = options_.json ? log_line_json(severity, message, now)
                                     : log_line_text(severity, message, now, colour_);
    line.pop_back();  // the queue adds the line feed itself
    return queue_.push(line);
}

// What the output refused comes in pieces of one line or many: each counts as one.
std::uint64_t Log::losses() const {
    return lines_dropped_ + writer_->write_failures();
}

void Log::push_losses() {
    const std::uint64_t lost = losses();
    if (lost == losses_told_) return;
    const auto text = fmt::format(
        "at least {} lines of this log were lost: its output did not "
        "take them in time",
        lost - losses_told_);
    if (push(Severity::warn, text)) losses_told_ = lost;
}

}  // namespace poise
