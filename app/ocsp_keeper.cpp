#include "app/ocsp_keeper.hpp"

#include "app/ocsp_ask.hpp"

#include <boost/asio/dispatch.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace poise::app {

using std::chrono::milliseconds;
using State = tls::OcspAnswer::State;

namespace {

constexpr milliseconds refresh_min = std::chrono::minutes{1};
constexpr milliseconds refresh_max = std::chrono::hours{12};
constexpr int jitter_part = 10;  // times are up to a tenth shorter

std::string time_text(std::chrono::system_clock::time_point time) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

// The entry may be asked for again when this has ended, however it has.
struct Asking {
    explicit Asking(Stapled& entry) : asked(entry) {}
    ~Asking() { asked.asking = false; }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;

    Stapled& asked;
};

}  // namespace

milliseconds ask_again_after(const tls::OcspAnswer& answer, tls::OcspAnswer::Time now) {
    const auto half = std::chrono::duration_cast<milliseconds>(answer.next_update - now) / 2;
    return std::clamp(half, refresh_min, refresh_max);
}

OcspKeeper::OcspKeeper(boost::asio::any_io_executor executor, Log& log)
    : log_(log), executor_(executor), random_(std::random_device{}()), tasks_(executor) {}

std::expected<std::shared_ptr<Stapled>, tls::Problem> OcspKeeper::find_or_make(
    const tls::Certificate& certificate) const {
    auto question = tls::OcspQuestion::make(certificate);
    if (!question) return std::unexpected(std::move(question.error()));
    for (const auto& known : kept_)
        if (known->question.der() == question->der() && known->question.url() == question->url())
            return known;
    return std::make_shared<Stapled>(Stapled{
        .file = certificate.file(), .question = std::move(*question), .retry = retry_first});
}

void OcspKeeper::keep(Kept kept) {
    kept_ = std::move(kept);
    look(Clock::now());
}

void OcspKeeper::look(Clock::time_point now) {
    if (stopped_) return;
    for (const auto& entry : kept_) {
        if (tasks_.running() >= asking_max) return;
        if (entry->asking || entry->due > now) continue;
        entry->asking = true;
        tasks_.spawn(&OcspKeeper::run_ask, this, entry);
    }
}

void OcspKeeper::stop() {
    if (std::exchange(stopped_, true)) return;
    // Inside of the loop: from outside Asio would put the signal off until after the task.
    boost::asio::dispatch(executor_, [this] { tasks_.cancel(); });
}

Task<void> OcspKeeper::run_ask(OcspKeeper* self, std::shared_ptr<Stapled> entry) {
    const Asking asking(*entry);
    const auto answer =
        co_await ask_responder(self->names_, entry->question.url(), entry->question.der());
    self->note(*entry, answer);
}

void OcspKeeper::note(Stapled& entry, const std::expected<std::string, std::string>& answer) {
    if (!answer) return note_failure(entry, answer.error());
    const auto read = entry.question.read(*answer, std::chrono::system_clock::now());
    if (!read) return note_failure(entry, "its answer cannot be used: " + read.error());
    note_answer(entry, *read, *answer);
}

// What was stapled stays until it is too old.
void OcspKeeper::note_failure(Stapled& entry, const std::string& why) {
    entry.due = Clock::now() + jittered(entry.retry);
    entry.retry = std::min(entry.retry * 2, retry_last);
    if (std::exchange(entry.failing, true)) return;
    const auto staple = entry.slot->get(std::chrono::system_clock::now());
    log_.warn(fmt::format(
        "the OCSP responder {} of the certificate '{}' fails: {}; {}", entry.question.url(),
        entry.file, why,
        staple ? fmt::format("what is stapled is good until {}", time_text(staple->good_until))
               : "nothing is stapled"));
}

void OcspKeeper::note_answer(Stapled& entry, const tls::OcspAnswer& answer,
                             const std::string& der) {
    entry.due = Clock::now() + jittered(ask_again_after(answer, std::chrono::system_clock::now()));
    entry.retry = retry_first;
    entry.last = answer.state;
    std::string text;
    if (answer.state == State::good) {
        entry.slot->set(std::make_shared<const tls::Staple>(der, answer.next_update));
        text = fmt::format("the certificate '{}' is good, says its OCSP responder: that is stapled",
                           entry.file);
    } else {
        // Clients that ask themselves will learn it; others are served for as long as they accept.
        entry.slot->set(nullptr);
        text = answer.state == State::revoked
                   ? fmt::format(
                         "the certificate '{}' has been revoked by its issuer, says {}: "
                         "replace it, clients will refuse it",
                         entry.file, entry.question.url())
                   : fmt::format(
                         "the OCSP responder {} does not know the certificate '{}': "
                         "nothing is stapled",
                         entry.question.url(), entry.file);
    }
    const bool recovered = std::exchange(entry.failing, false);
    if (std::exchange(entry.told, text) == text && !recovered) return;
    answer.state == State::good ? log_.info(text) : log_.warn(text);
}

milliseconds OcspKeeper::jittered(milliseconds time) {
    const auto span = std::max<milliseconds::rep>(time.count() / jitter_part, 1);
    return time - milliseconds{random_.below(static_cast<std::uint32_t>(span))};
}

}  // namespace poise::app
