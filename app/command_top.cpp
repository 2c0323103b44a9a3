// `poise top`: what services do right now, again each second. Reads what `poise status` reads.
#include "app/commands.hpp"
#include "app/control_client.hpp"
#include "app/demo_screen.hpp"
#include "app/top_text.hpp"

#include <algorithm>
#include <chrono>
#include <expected>
#include <functional>
#include <ostream>
#include <string>
#include <thread>
#include <utility>

namespace poise::app {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds key_interval{50};
constexpr std::string_view help = "r requests  f failures  p p99  n name  s servers  q quit\n";

struct Sample {
    Status status;
    Clock::time_point at;
};

std::expected<Sample, std::string> sample_of(const TopOptions& options) {
    const auto answer =
        ask(options.control, {.verb = ControlVerb::status, .service = options.service});
    if (!answer) return std::unexpected(answer.error());
    auto status = status_from_json(*answer);
    if (!status) return std::unexpected(status.error());
    return Sample{std::move(*status), Clock::now()};
}

// False: the key ends it.
bool obey(char key, TopStyle& style) {
    if (key == 'r') style.order = TopOrder::rate;
    if (key == 'f') style.order = TopOrder::failed;
    if (key == 'p') style.order = TopOrder::p99;
    if (key == 'n') style.order = TopOrder::name;
    if (key == 's') style.servers = !style.servers;
    return key != 'q' && key != '\x03';
}

// Waits for the next turn, and draws anew at each key. False: it is to end.
bool wait(Keys& keys, Clock::time_point until, TopStyle& style, const std::function<void()>& draw) {
    while (Clock::now() < until) {
        std::this_thread::sleep_for(std::min<Clock::duration>(key_interval, until - Clock::now()));
        while (const auto key = keys.next()) {
            if (!obey(*key, style)) return false;
            draw();
        }
    }
    return true;
}

}  // namespace

int run_top(const TopOptions& options, Terminal& terminal) {
    const std::chrono::seconds interval{options.interval};
    auto before = sample_of(options);
    if (!before) return terminal.fail(before.error());
    const bool live = terminal.out_is_terminal && !options.once;
    if (!live && !options.once)
        return terminal.fail("the output is no terminal; `poise top --once` prints one picture");
    TopStyle style{.colour = terminal.out_is_terminal};
    Keys keys(live && terminal.in_is_terminal);
    LiveText screen(terminal);
    std::string last;
    const auto draw = [&](const Sample& earlier, const Sample& now) {
        const TerminalSize size = live ? terminal_size() : TerminalSize{};
        style.columns = size.columns;
        last = top_text(earlier.status, now.status, now.at - earlier.at, style);
        if (live) screen.draw(last + (keys.any() ? std::string(help) : ""), size.rows);
    };
    if (live) draw(*before, *before);
    Sample shown = *before;
    while (wait(keys, before->at + interval, style, [&] { draw(shown, *before); })) {
        auto now = sample_of(options);
        if (!now) return terminal.fail(now.error());  // the Poise that it watches has ended
        draw(*before, *now);
        if (options.once) {
            terminal.out << last << std::flush;
            return exit_good;
        }
        if (!terminal.out.good()) return exit_good;
        shown = std::exchange(*before, std::move(*now));
    }
    return exit_good;
}

}  // namespace poise::app
