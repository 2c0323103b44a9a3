#include "app/pairing_talk.hpp"

#include "admin/file.hpp"
#include "app/pairing_facts.hpp"
#include "app/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ostream>
#include <poll.h>
#include <sys/socket.h>

namespace poise::app {

using namespace std::chrono_literals;

namespace {

using Stage = ha::Pairing::Stage;
using Clock = std::chrono::steady_clock;

constexpr auto meet_limit = 5s;
constexpr auto look_every = 100ms;  // at the file with the code
constexpr auto goodbye_limit = 2s;  // for the last words
constexpr std::size_t code_bytes_max = 256;

}  // namespace

std::expected<void, std::string> PairingTalk::meet() {
    const PairingTime until = std::min(settings_.until, Clock::now() + meet_limit);
    while (pairing_.stage() == Stage::meeting) {
        if (Clock::now() >= until)
            return std::unexpected<std::string>("it says nothing that is understood here");
        if (auto turned = turn(false, until); !turned) return turned;
    }
    flush();
    return {};
}

int PairingTalk::run() {
    while (true) {
        if (const auto code = act()) {
            flush();
            return *code;
        }
        if (Clock::now() >= settings_.until)
            return end(ha::PairingRefusal::declined, "the time is over; nothing was written");
        const Stage before = pairing_.stage();
        const auto turned = turn(asks(), std::min(settings_.until, Clock::now() + look_every));
        // What came before the end counts.
        if (!turned && (pairing_.stage() == before || pairing_.stage() == Stage::refused) &&
            !pairing_.why())
            return terminal_.fail(fmt::format("the other node: {}", turned.error()));
    }
}

// An answer of the operator is due.
bool PairingTalk::asks() const {
    if (pairing_.stage() == Stage::comparing)
        return settings_.code_path.empty() || settings_.code_path == "-";
    return pairing_.stage() == Stage::confirming && !settings_.yes;
}

std::expected<void, std::string> PairingTalk::turn(bool asks, PairingTime until) {
    if (auto sent = send(); !sent) return sent;
    const short events = pairing_.output().empty() ? POLLIN : POLLIN | POLLOUT;
    std::array<pollfd, 2> watched{{{socket_, events, 0}, {asks ? input_.fd() : -1, POLLIN, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    ::poll(watched.data(), watched.size(),
           static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (watched[1].revents != 0) input_.read();
    if (watched[0].revents == 0) return {};
    return receive();
}

std::expected<void, std::string> PairingTalk::send() {
    auto& output = pairing_.output();
    while (!output.empty()) {
        const ssize_t n = ::send(socket_, output.data(), output.size(), MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return {};
        if (n < 0) return std::unexpected<std::string>(std::strerror(errno));
        output.erase(output.begin(), output.begin() + n);
    }
    return {};
}

std::expected<void, std::string> PairingTalk::receive() {
    std::array<std::uint8_t, 2048> buffer;
    const ssize_t n = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (n < 0) return std::unexpected<std::string>(std::strerror(errno));
    if (n == 0) return std::unexpected<std::string>("it has ended the exchange");
    return pairing_.receive({buffer.data(), static_cast<std::size_t>(n)});
}

void PairingTalk::flush() {
    const PairingTime until = Clock::now() + goodbye_limit;
    while (!pairing_.output().empty() && Clock::now() < until) {
        if (!send()) return;
        pollfd watched{socket_, POLLOUT, 0};
        if (!pairing_.output().empty())
            ::poll(&watched, 1, static_cast<int>(std::chrono::milliseconds(look_every).count()));
    }
}

std::optional<int> PairingTalk::act() {
    switch (pairing_.stage()) {
        case Stage::meeting:
            break;
        case Stage::comparing:
            return compare();
        case Stage::waiting:
            tell_once(Stage::waiting,
                      "the code is right; waiting for the code to be typed there\n");
            break;
        case Stage::confirming:
            return confirm();
        case Stage::sharing:
            tell_once(Stage::sharing, "waiting for the other node\n");
            break;
        case Stage::writing:
            return write();
        case Stage::done:
            terminal_.out << fmt::format("{} has the key\n", printable(pairing_.other().name));
            return exit_good;
        case Stage::refused:
            return tell_refusal();
    }
    return std::nullopt;
}

std::optional<int> PairingTalk::compare() {
    const bool is_file = !settings_.code_path.empty() && settings_.code_path != "-";
    tell_once(
        Stage::comparing,
        fmt::format("this node shows: {}\n", pairing_.own_code()) +
            (is_file ? fmt::format("waiting for the other node's code in {}\n", settings_.code_path)
                     : "type the code that the other node shows: "));
    const auto code = typed_code();
    if (!code) {
        if (is_file || !input_.ended()) return std::nullopt;
        return end(ha::PairingRefusal::declined, "no code was typed; nothing was written");
    }
    if (!ha::code_in(*code) && !is_file) {
        terminal_.out << "a code is six digits; once more: " << std::flush;
        return std::nullopt;
    }
    if (pairing_.type_code(*code)) return std::nullopt;
    return terminal_.fail(
        "the code is wrong: nothing was written on either node. When it was typed as the other "
        "node shows it, somebody stands between the two");
}

std::optional<std::string> PairingTalk::typed_code() {
    if (settings_.code_path.empty() || settings_.code_path == "-") return input_.line();
    // Whoever writes the file may be in the middle of it.
    const auto text = admin::read_whole(settings_.code_path, code_bytes_max);
    if (!text || !text->contains('\n')) return std::nullopt;
    return text->substr(0, text->find('\n'));
}

std::optional<int> PairingTalk::confirm() {
    const ha::PairingIdentity& other = pairing_.other();
    if (const std::string why = pairing_obstacle(settings_.own, other); !why.empty())
        return end(ha::PairingRefusal::unsuitable, why);
    if (settings_.gives && !settings_.own.key)
        return end(ha::PairingRefusal::failed, "this node has no key");
    const std::string name = printable(other.name);
    const std::string question = settings_.gives
                                     ? fmt::format("Give the key to {}? Type yes: ", name)
                                     : fmt::format("Take the key of {}? Type yes: ", name);
    tell_once(Stage::confirming, pairing_text(settings_.own, other, settings_.gives) +
                                     (settings_.yes ? "" : question));
    if (settings_.yes) {
        pairing_.confirm();
        return std::nullopt;
    }
    const auto answer = input_.line();
    if (!answer && !input_.ended()) return std::nullopt;
    if (answer != "yes")
        return end(ha::PairingRefusal::declined, "not agreed; nothing was written");
    pairing_.confirm();
    return std::nullopt;
}

std::optional<int> PairingTalk::write() {
    if (auto written = settings_.write(pairing_.keys()); !written)
        return end(ha::PairingRefusal::failed, written.error());
    pairing_.written();
    terminal_.out << fmt::format("wrote {}, with the key of {}\n",
                                 printable(settings_.own.key_file),
                                 printable(pairing_.other().name));
    return exit_good;
}

int PairingTalk::tell_refusal() {
    terminal_.out << '\n';
    return terminal_.fail(
        fmt::format("the other node has ended the exchange: {}; nothing was "
                    "written on either node",
                    ha::text_of(*pairing_.why())));
}

int PairingTalk::end(ha::PairingRefusal refusal, const std::string& why) {
    pairing_.refuse(refusal);
    flush();
    terminal_.out << '\n' << std::flush;
    return terminal_.fail(why);
}

// At the beginning of a stage.
void PairingTalk::tell_once(Stage stage, const std::string& text) {
    if (told_ == stage) return;
    told_ = stage;
    terminal_.out << text << std::flush;
}

}  // namespace poise::app
