#include "app/demo_screen.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace poise::app;

namespace {

std::string drawn(std::string_view text, std::size_t rows, bool again) {
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{.out = out, .err = err, .out_is_terminal = true};
    LiveText live(terminal);
    live.draw(text, rows);
    if (again) {
        out.str("");
        live.draw(text, rows);
    }
    return out.str();
}

}  // namespace

TEST_SUITE("app/demo_screen") {
    TEST_CASE("a text is drawn over the one before it") {
        CHECK(drawn("a\nb\n", 24, false) == "\r\x1b[J\x1b[?7la\nb\n\x1b[?7h");
        CHECK(drawn("a\nb\n", 24, true) == "\x1b[2A\r\x1b[J\x1b[?7la\nb\n\x1b[?7h");
        CHECK(drawn("a\nb\n", 0, true) == "\x1b[2A\r\x1b[J\x1b[?7la\nb\n\x1b[?7h");
    }

    TEST_CASE("no more lines are drawn than the window has, for they could not be drawn over") {
        CHECK(drawn("a\nb\nc\n", 3, true) == "\x1b[2A\r\x1b[J\x1b[?7la\nb\n\x1b[?7h");
        CHECK(drawn("a\nb\n", 1, true) == "\r\x1b[J\x1b[?7l\x1b[?7h");
    }

    TEST_CASE("where nobody looks nothing is drawn") {
        std::ostringstream out;
        Terminal terminal{.out = out, .err = out};
        LiveText(terminal).draw("a\n", 24);
        CHECK(out.str().empty());
    }
}
