#include "app/demo_screen.hpp"

#include <algorithm>
#include <ostream>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace poise::app {

namespace {

constexpr std::string_view wrap_off = "\x1b[?7l";  // so that a line takes one line
constexpr std::string_view wrap_on = "\x1b[?7h";
constexpr std::string_view clear_below = "\x1b[J";

// The last row is where the cursor waits.
std::string_view first_lines(std::string_view text, std::size_t count) {
    std::size_t end = 0;
    while (count-- > 0 && end < text.size()) {
        const std::size_t line = text.find('\n', end);
        end = line == std::string_view::npos ? text.size() : line + 1;
    }
    return text.substr(0, end);
}

}  // namespace

void LiveText::draw(std::string_view text, std::size_t rows) {
    if (!terminal_.out_is_terminal) return;
    text = first_lines(text, rows == 0 ? text.size() : rows - 1);
    if (lines_ > 0) terminal_.out << "\x1b[" << lines_ << 'A';
    terminal_.out << '\r' << clear_below << wrap_off << text << wrap_on << std::flush;
    lines_ = static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

struct Keys::Saved {
    termios settings{};
};

Keys::Keys(bool in_is_terminal) {
    // Changing the terminal from the background would stop the program.
    if (!in_is_terminal || ::tcgetpgrp(STDIN_FILENO) != ::getpgrp()) return;
    auto saved = std::make_unique<Saved>();
    if (::tcgetattr(STDIN_FILENO, &saved->settings) != 0) return;
    termios at_once = saved->settings;
    at_once.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    at_once.c_cc[VMIN] = 1;
    at_once.c_cc[VTIME] = 0;
    if (::tcsetattr(STDIN_FILENO, TCSANOW, &at_once) == 0) saved_ = std::move(saved);
}

Keys::~Keys() {
    if (saved_) ::tcsetattr(STDIN_FILENO, TCSANOW, &saved_->settings);
}

std::optional<char> Keys::next() {
    if (!saved_) return std::nullopt;
    pollfd event{STDIN_FILENO, POLLIN, 0};
    char key = 0;
    if (::poll(&event, 1, 0) != 1 || (event.revents & POLLIN) == 0) return std::nullopt;
    if (::read(STDIN_FILENO, &key, 1) != 1) return std::nullopt;
    return key;
}

}  // namespace poise::app
