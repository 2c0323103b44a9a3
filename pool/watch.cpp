#include "pool/watch.hpp"

#include "pool/agent.hpp"
#include "pool/conversation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace poise::pool {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds first_delay_max = 1s;   // a new server is known within this time
constexpr int jitter_part = 10;                // intervals differ by up to a tenth
constexpr milliseconds suspicion_gap = 1s;     // between two checks out of turn
constexpr std::uint32_t weight_step = 10;      // an agent's smaller changes are not told
constexpr milliseconds name_retry_first = 5s;  // doubled up to
constexpr milliseconds name_retry_last = 30s;
constexpr milliseconds name_refresh = 60s;

// Cancelled: throws operation_aborted, which ends the task.
Task<void> pause(milliseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

// Until `interval` after `began`, but never no time at all.
Task<void> pause_after(SteadyTime began, milliseconds interval) {
    const auto left =
        std::chrono::ceil<milliseconds>(began + interval - std::chrono::steady_clock::now());
    co_await pause(std::max(left, milliseconds{1}));
}

}  // namespace

Watch::Watch(asio::any_io_executor executor, std::string service,
             std::shared_ptr<const WatchPlan> plan, std::shared_ptr<RealServer> server,
             const WatchShared& shared, std::uint64_t seed)
    : service_(std::move(service)),
      plan_(std::move(plan)),
      server_(std::move(server)),
      shared_(shared),
      random_(seed),
      state_(std::max(plan_->check.fall, 1), std::max(plan_->check.rise, 1), server_->checked()),
      seen_changes_(server_->report_changes()),
      seen_admission_(server_->agent().admission),
      told_weight_(server_->report().weight),
      check_timer_(executor),
      tasks_(executor) {
    if (server_->address()) seen_health_ = server_->report().health;
}

void Watch::start() {
    if (plan_->check.check == config::CheckKind::none) {
        if (!server_->passive_down()) server_->set_health(Health::up, "");
    } else {
        tasks_.spawn(&Watch::run_checks, this);
    }
    if (plan_->agent)
        tasks_.spawn(&Watch::run_agent, this);
    else
        server_->set_agent({});  // what it said before a reload took it away counts no more
    if (!server_->configured().address) tasks_.spawn(&Watch::run_resolver, this);
}

Task<void> Watch::run_checks(Watch* self) {
    const auto& check = self->plan_->check;
    co_await pause(self->first_delay(check.interval));
    for (;;) {
        const auto began = std::chrono::steady_clock::now();
        const bool suspected = std::exchange(self->suspected_, false);
        if (auto address = self->server_->address()) {
            if (check.port) address->port = *check.port;
            const auto generation = self->server_->address_generation();
            const auto target = self->target_at(*address);
            const auto result = co_await run_probe(check, target);
            // A result of the address that it had before says nothing of the new one.
            if (generation == self->server_->address_generation()) {
                if (suspected) self->note_suspect(result);
                self->note_result(result);
            }
        }
        co_await self->wait_for_check(began + self->jittered(check.interval));
    }
}

// A port of its own may be another program's, of which nothing is known but the kind of the check.
ProbeTarget Watch::target_at(const Address& address) const {
    const auto& configured = server_->configured();
    ProbeTarget target{
        .server = address, .host = configured.host, .virtual_address = plan_->virtual_address};
    if (configured.tls && !plan_->check.port) {
        target.tls = tls_;
        target.tls_name = tls::name_of(plan_->server_tls, configured);
    }
    return target;
}

Task<void> Watch::run_agent(Watch* self) {
    const auto& agent = *self->plan_->agent;
    co_await pause(self->first_delay(agent.interval));
    for (;;) {
        const auto began = std::chrono::steady_clock::now();
        if (auto address = self->server_->address()) {
            address->port = agent.port;
            const auto line = co_await ask_agent(*address, agent.timeout);
            if (line)
                self->note_agent_line(*line);
            else
                self->note_agent_failure(line.error());
        }
        co_await pause_after(began, self->jittered(agent.interval));
    }
}

Task<void> Watch::run_resolver(Watch* self) {
    const auto& configured = self->server_->configured();
    auto retry = name_retry_first;
    for (;;) {
        const auto answer =
            co_await self->shared_.resolver.resolve(configured.host, configured.port);
        self->note_name(answer.found, answer.wrong);
        const bool good = !answer.found.empty();
        co_await pause(self->jittered(good ? name_refresh : retry));
        retry = good ? name_retry_first : std::min(retry * 2, name_retry_last);
    }
}

// Until `due`, or until real traffic casts doubt on the server. Never no time at all, but when
// that has happened during the last check.
Task<void> Watch::wait_for_check(SteadyTime due) {
    if (suspected_) co_return;
    check_timer_.expires_at(std::max(due, std::chrono::steady_clock::now() + milliseconds{1}));
    const auto [ec] = co_await check_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (ec && (cancelled_ || !suspected_)) throw boost::system::system_error(ec);
}

void Watch::note_suspect(const ProbeResult& result) {
    if (result.ok)
        server_->forgive_failures();
    else
        server_->confirm_failures(result.reason);
}

void Watch::note_result(const ProbeResult& result) {
    // Real traffic has found it down: only good checks in a row bring it up again.
    if (server_->passive_down() && state_.health() != Health::down) {
        tell_changes("");
        state_.force(Health::down);
    }
    switch (state_.note(result.ok)) {
        case Transition::went_up:
            server_->set_health(Health::up, "");
            tell_changes(
                fmt::format(" ({} of {} checks passed)", state_.in_row(), state_.needed()));
            break;
        case Transition::went_down:
            server_->set_health(Health::down, result.reason);
            tell_changes(
                fmt::format(" ({} of {} checks failed)", state_.in_row(), state_.needed()));
            break;
        case Transition::none:
            // Still down, perhaps for another reason now.
            if (!result.ok && state_.health() == Health::down)
                server_->set_health(Health::down, result.reason);
            break;
    }
}

void Watch::note_agent_line(const std::string& line) {
    auto state = parse_agent_line(line, server_->agent());
    if (!state) return note_agent_failure(state.error());
    const auto weight_before = server_->report().weight;
    server_->set_agent(std::move(*state));
    if (std::exchange(agent_fails_, false)) tell("agent answers again", false);
    tell_changes("");
    tell_agent_weight(weight_before);
}

void Watch::note_agent_failure(const std::string& wrong) {
    server_->set_agent_error(wrong);
    if (!std::exchange(agent_fails_, true))
        tell(fmt::format("agent fails: {}; what it said last stays in force", wrong), true);
}

// An agent that reports its load says something else each time: only what counts is told.
void Watch::tell_agent_weight(std::uint32_t before) {
    const auto now = server_->report().weight;
    if (now == before) return;
    const auto step = std::max(now, told_weight_) - std::min(now, told_weight_);
    if (step < weight_step && now != 0 && before != 0) return;
    tell(fmt::format("agent: weight {}, was {}", now, std::exchange(told_weight_, now)), false);
}

void Watch::note_name(const std::vector<Address>& found, const std::string& wrong) {
    const auto known = server_->address();
    if (found.empty()) {
        // A name server that fails for a while is no reason to give up a server that works.
        if (known) return;
        server_->set_health(Health::unknown, "name not resolved: " + wrong);
    } else {
        // Of several the one in use stays, however the name server turns their order.
        if (known && std::ranges::find(found, *known) != found.end()) return;
        state_.force(Health::unknown);
        server_->set_health(Health::unknown, "");
        server_->set_address(found.front());
    }
    tell_changes("");
}

// Without a check only time can forgive the failures of real traffic: the server gets another
// try after as long as checks would take to find it up.
void Watch::give_another_try(SteadyTime now) {
    if (!server_->passive_down()) return next_try_.reset();
    const auto& check = plan_->check;
    if (!next_try_)
        next_try_ = now + jittered(check.interval) + check.interval * std::max(check.rise - 1, 0);
    if (now < *next_try_) return;
    next_try_.reset();
    tell_changes("");
    server_->set_health(Health::up, "");
    tell_changes(" (another try)");
}

void Watch::look(SteadyTime now) {
    server_->tick(now);
    if (plan_->check.check == config::CheckKind::none) give_another_try(now);
    if (now >= next_suspicion_ && server_->take_suspicion()) {
        next_suspicion_ = now + suspicion_gap;
        suspected_ = true;
        check_timer_.cancel();
    }
    tell_changes("");
}

void Watch::tell_changes(const std::string& addition) {
    if (std::exchange(seen_changes_, server_->report_changes()) == seen_changes_) return;
    const auto report = server_->report();
    const auto admission = server_->agent().admission;
    const bool health_changed = std::exchange(seen_health_, report.health) != report.health;
    const bool admission_changed = std::exchange(seen_admission_, admission) != admission;
    if (!health_changed && !admission_changed) return;

    std::string text;
    if (health_changed) {
        if (report.health == Health::up) text = "up";
        if (report.health == Health::unknown) text = "resolved, not checked yet";
        if (report.health == Health::down) text = "down";
    } else {
        text = admission == AgentState::Admission::ready ? "agent: ready" : "limited";
    }
    if (!report.reason.empty()) text += ": " + report.reason;
    tell(text + addition, report.health == Health::down);
}

void Watch::tell(std::string text, bool bad) {
    const ServerEvent event{
        .service = service_, .server = server_->name(), .text = std::move(text), .bad = bad};
    if (shared_.on_event) shared_.on_event(event);
}

milliseconds Watch::first_delay(milliseconds interval) {
    const auto longest = std::min(interval, first_delay_max).count();
    return milliseconds{random_.below(static_cast<std::uint32_t>(std::max(longest, 1L)))};
}

milliseconds Watch::jittered(milliseconds interval) {
    const auto span = static_cast<std::uint32_t>(std::max(interval.count() / jitter_part, 1L));
    return interval - milliseconds{span} / 2 + milliseconds{random_.below(span)};
}

}  // namespace poise::pool
