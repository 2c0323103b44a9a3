// Keeps what is stapled to certificates fresh: asks their issuers' responders in time.
#pragma once

#include "base/log.hpp"
#include "base/task_group.hpp"
#include "pool/random.hpp"
#include "pool/resolver.hpp"
#include "tls/certificate.hpp"
#include "tls/ocsp.hpp"
#include "tls/staple.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace poise::app {

/// A certificate whose state is asked for.
struct Stapled {
    using Clock = std::chrono::steady_clock;

    std::string file;  // of the certificate, for people
    tls::OcspQuestion question;
    std::shared_ptr<tls::StapleSlot> slot = std::make_shared<tls::StapleSlot>();
    Clock::time_point due{};          // the next question; at first at once
    std::chrono::milliseconds retry;  // after the next failure
    bool asking = false;
    bool failing = false;
    std::optional<tls::OcspAnswer::State> last;  // that the responder has told
    std::string told;                            // of the last answer, so that only changes are
};

/// How long an answer is used before the next question: half of what is left of it, but at least
/// a minute and at most twelve hours.
std::chrono::milliseconds ask_again_after(const tls::OcspAnswer& answer, tls::OcspAnswer::Time now);

/// Control thread. stop() before the end, and the executor must run on until nothing is running().
class OcspKeeper {
public:
    using Clock = std::chrono::steady_clock;
    using Kept = std::vector<std::shared_ptr<Stapled>>;

    /// `log` outlives this.
    OcspKeeper(boost::asio::any_io_executor executor, Log& log);

    /// The known entry of this certificate, with what it has been told; else a new one, which is
    /// not kept yet. The problem says why there can be none.
    std::expected<std::shared_ptr<Stapled>, tls::Problem> find_or_make(
        const tls::Certificate& certificate) const;

    /// Asks for these from now on, and for no others.
    void keep(Kept kept);
    const Kept& kept() const { return kept_; }

    /// To be called every few seconds: asks what is due.
    void look(Clock::time_point now);

    void stop();
    std::size_t running() const { return tasks_.running(); }

    static constexpr std::size_t asking_max = 8;  // questions at once
    static constexpr std::chrono::milliseconds retry_first{5'000};
    static constexpr std::chrono::milliseconds retry_last{3'600'000};

private:
    static Task<void> run_ask(OcspKeeper* self, std::shared_ptr<Stapled> entry);
    void note(Stapled& entry, const std::expected<std::string, std::string>& answer);
    void note_failure(Stapled& entry, const std::string& why);
    void note_answer(Stapled& entry, const tls::OcspAnswer& answer, const std::string& der);
    std::chrono::milliseconds jittered(std::chrono::milliseconds time);

    Log& log_;
    boost::asio::any_io_executor executor_;
    pool::Resolver names_;
    pool::Random random_;
    Kept kept_;
    bool stopped_ = false;
    TaskGroup tasks_;
};

}  // namespace poise::app
