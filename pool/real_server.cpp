// The state of a real server: many inputs, from which the few values that workers read follow.
#include "pool/real_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace poise::pool {

using Admission = AgentState::Admission;
using std::chrono::milliseconds;

namespace {

// A server just up gets at least this part of its weight: with nothing it would never warm up.
constexpr std::int64_t ramp_first_part = 16;

// How fast the average response time follows: an eighth of the difference each time.
constexpr std::int64_t response_smoothing = 8;

// For failed connects that are still being counted: second attempts pass over the server, while
// new requests go on to it, so that the count does not take seconds.
constexpr SteadyTime::duration long_ago{1};

std::uint32_t clamped_weight(std::int64_t weight) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(weight, 0, RealServer::weight_max));
}

std::string agent_reason(std::string_view word, const std::string& reason) {
    return reason.empty() ? fmt::format("agent: {}", word)
                          : fmt::format("agent: {} #{}", word, reason);
}

}  // namespace

RealServer::RealServer(config::Server configured, ServerSettings settings,
                       std::shared_ptr<Siblings> siblings)
    : configured_(std::move(configured)),
      siblings_(siblings ? std::move(siblings) : std::make_shared<Siblings>()),
      address_(configured_.address),
      since_(std::chrono::system_clock::now()) {
    reconfigure(configured_, settings);
}

std::optional<Address> RealServer::address() const {
    const std::lock_guard lock(mutex_);
    return address_;
}

void RealServer::set_address(std::optional<Address> address, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (address_ == address) return;
    address_ = address;
    address_generation_.fetch_add(1, relaxed);
    connect_failed_at_.store(0, relaxed);
    update(now);
}

void RealServer::note_response(std::chrono::microseconds taken) {
    // Two workers may both read before either writes; a sample lost now and then is harmless.
    constexpr std::int64_t longest = 3'600'000'000;
    const auto sample = std::clamp<std::int64_t>(taken.count(), 1, longest);
    const std::int64_t before = response_us_.load(relaxed);
    const auto after = before == 0 ? sample : before + (sample - before) / response_smoothing;
    response_us_.store(static_cast<std::uint32_t>(std::max<std::int64_t>(after, 1)), relaxed);
}

std::uint32_t RealServer::count_failure(const char* reason) {
    failures_.fetch_add(1, relaxed);
    last_failure_.store(reason, relaxed);
    return failures_in_row_.fetch_add(1, relaxed) + 1;
}

void RealServer::note_connect_failure(const char* reason, SteadyTime now) {
    const auto in_row = count_failure(reason);
    const auto connects = connect_failures_in_row_.fetch_add(1, relaxed) + 1;
    const auto fall = passive_fall_.load(relaxed);
    const auto when = (in_row >= fall ? now : SteadyTime(long_ago)).time_since_epoch().count();
    connect_failed_at_.store(when, relaxed);
    siblings_->connect_failed_at.store(when, relaxed);
    if (fall == 0 || in_row < fall || passive_down()) return;
    if (connects < fall && has_check_.load(relaxed)) return suspect_.store(true, relaxed);

    // One at a time, or the last two would each count on the other.
    const std::lock_guard lock(siblings_->mutex);
    if (has_check_.load(relaxed) && !has_serving_sibling()) return suspect_.store(true, relaxed);
    go_down_by_traffic(fmt::format("passive: {} failures in a row, last: {}", in_row, reason));
}

void RealServer::note_answer_failure(const char* reason) {
    const auto in_row = count_failure(reason);
    if (connect_failures_in_row_.load(relaxed) != 0) forgive_connects();
    const auto fall = passive_fall_.load(relaxed);
    if (fall == 0 || in_row < fall || passive_down()) return;
    if (has_check_.load(relaxed)) return suspect_.store(true, relaxed);
    go_down_by_traffic(fmt::format("passive: {} failures in a row, last: {}", in_row, reason));
}

void RealServer::confirm_failures(const std::string& check_reason) {
    go_down_by_traffic(fmt::format("{}; passive: {} failures in a row, last: {}", check_reason,
                                   failures_in_row_.load(relaxed), last_failure_.load(relaxed)));
}

void RealServer::forgive_failures() {
    failures_in_row_.store(0, relaxed);
    forgive_connects();
}

void RealServer::forgive_connects() {
    connect_failures_in_row_.store(0, relaxed);
    connect_failed_at_.store(0, relaxed);
}

// Needs the mutex of the siblings.
bool RealServer::has_serving_sibling() const {
    return std::ranges::any_of(siblings_->servers, [this](const auto& each) {
        const auto server = each.lock();
        return server && server.get() != this && server->may_take_new();
    });
}

void RealServer::go_down_by_traffic(std::string reason) {
    const std::lock_guard lock(mutex_);
    if (passive_down()) return;
    passive_down_.store(true, relaxed);
    passive_reason_ = std::move(reason);
    update(std::chrono::steady_clock::now());
}

ServerReport RealServer::report() const {
    const std::lock_guard lock(mutex_);
    return {.health = shown_health(),
            .admin = admin_,
            .reason = shown_reason(),
            .since = since_,
            .weight = shown_weight(),
            .connections_max = connections_max_.load(relaxed),
            .agent = agent_error_};
}

void RealServer::set_admin(AdminState state, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (admin_ == state) return;
    admin_ = state;
    since_ = std::chrono::system_clock::now();
    update(now);
}

void RealServer::set_weight(std::optional<std::uint32_t> weight) {
    assert(!weight || *weight <= weight_max);
    const std::lock_guard lock(mutex_);
    const bool drained = shown_weight() == 0;
    run_time_weight_ = weight;
    if (drained != (shown_weight() == 0)) since_ = std::chrono::system_clock::now();
    update(std::chrono::steady_clock::now());
}

void RealServer::set_health(Health health, std::string reason, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    health_ = health;
    health_reason_ = std::move(reason);
    if (health == Health::up) {
        passive_down_.store(false, relaxed);
        forgive_failures();
    }
    update(now);
}

Health RealServer::checked() const {
    const std::lock_guard lock(mutex_);
    return health_;
}

void RealServer::set_agent(AgentState state, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    agent_error_.clear();
    if (agent_ == state) return;
    agent_ = std::move(state);
    update(now);
}

AgentState RealServer::agent() const {
    const std::lock_guard lock(mutex_);
    return agent_;
}

void RealServer::set_agent_error(std::string error) {
    const std::lock_guard lock(mutex_);
    agent_error_ = std::move(error);
}

void RealServer::reconfigure(const config::Server& configured, ServerSettings settings) {
    const std::lock_guard lock(mutex_);
    const auto weight = clamped_weight(configured.weight);
    if (weight != configured_weight_.exchange(weight, relaxed)) run_time_weight_.reset();
    configured_connections_max_ = configured.max_connections;
    settings_ = settings;
    passive_fall_.store(settings.passive_fall, relaxed);
    has_check_.store(settings.has_check, relaxed);
    if (settings.passive_fall == 0) passive_down_.store(false, relaxed);
    if (backup_.exchange(configured.backup, relaxed) != configured.backup)
        siblings_->version.fetch_add(1, std::memory_order_release);
    update(std::chrono::steady_clock::now());
}

void RealServer::tick(SteadyTime now) {
    if (!ramping()) return;
    const std::lock_guard lock(mutex_);
    update(now);
}

// From here on the caller holds the mutex.

Health RealServer::shown_health() const {
    if (!address_ || agent_.down || passive_down()) return Health::down;
    return health_;
}

std::string RealServer::shown_reason() const {
    if (!address_) return health_reason_.empty() ? "name not resolved yet" : health_reason_;
    if (health_ == Health::down) return health_reason_;
    if (passive_down()) return passive_reason_;
    if (agent_.down) return agent_reason("down", agent_.reason);
    if (agent_.admission == Admission::maint) return agent_reason("maint", agent_.reason);
    if (agent_.admission == Admission::drain) return agent_reason("drain", agent_.reason);
    if (agent_drains()) return agent_reason(agent_.percent == 0 ? "0%" : "weight:0", "");
    return health_reason_;
}

// It says "drain", or leaves nothing of a weight that is above 0 without it.
bool RealServer::agent_drains() const {
    if (agent_.admission == Admission::drain) return true;
    if (agent_.percent == 0) return weight_in_force() > 0;
    return agent_.weight == 0 && !run_time_weight_ && configured_weight_.load(relaxed) > 0;
}

// Able and allowed to serve, be it with weight 0 or draining.
bool RealServer::serving() const {
    return admin_ != AdminState::halt && shown_health() != Health::down &&
           agent_.admission != Admission::maint;
}

// The operator's word at run time is above the agent's, the agent's above the file's.
std::uint32_t RealServer::weight_in_force() const {
    if (run_time_weight_) return *run_time_weight_;
    if (agent_.weight) return clamped_weight(*agent_.weight);
    return configured_weight_.load(relaxed);
}

// In weight_scale-ths.
std::int64_t RealServer::scaled_weight() const {
    const std::int64_t weight = std::int64_t{weight_in_force()} * weight_scale;
    return agent_.percent ? weight * std::min<std::int64_t>(*agent_.percent, 100) / 100 : weight;
}

// A weight that is not quite 0 is not shown as 0.
std::uint32_t RealServer::shown_weight() const {
    return static_cast<std::uint32_t>((scaled_weight() + weight_scale - 1) / weight_scale);
}

std::uint32_t RealServer::weight_at(SteadyTime now) {
    std::int64_t weight = scaled_weight();
    if (ramp_start_) {
        const std::int64_t whole = settings_.slow_start.count();
        const std::int64_t done = std::chrono::floor<milliseconds>(now - *ramp_start_).count();
        if (done >= whole) {
            ramp_start_.reset();
        } else if (weight > 0) {
            const auto part = std::max<std::int64_t>(done, whole / ramp_first_part);
            weight = std::max<std::int64_t>(weight * part / whole, 1);
        }
    }
    return static_cast<std::uint32_t>(weight);
}

template <typename T>
void RealServer::publish(std::atomic<T>& to, T value, bool& changed) {
    if (to.exchange(value, relaxed) != value) changed = true;
}

void RealServer::update(SteadyTime now) {
    const bool serves = serving();
    // Slow start is for a server that comes back, not for one that has been there from the start.
    if (serves && !was_serving_ && ever_served_ && settings_.slow_start.count() > 0)
        ramp_start_ = now;
    if (!serves) ramp_start_.reset();
    was_serving_ = serves;
    ever_served_ = ever_served_ || serves;

    bool changed = false;
    const auto weight = weight_at(now);
    const bool takes_new = serves && weight > 0 && admin_ == AdminState::online &&
                           agent_.admission == Admission::ready;
    publish(effective_weight_, weight, changed);
    publish(settled_weight_, static_cast<std::uint32_t>(scaled_weight()), changed);
    publish(eligible_, takes_new, changed);
    publish(serves_known_, serves, changed);
    publish(halted_, admin_ == AdminState::halt, changed);
    publish(connections_max_, agent_.connections_max.value_or(configured_connections_max_),
            changed);
    ramping_.store(ramp_start_.has_value(), relaxed);
    update_report();
    // Released after what it announces: who sees the new version sees the new values.
    if (changed) siblings_->version.fetch_add(1, std::memory_order_release);
}

void RealServer::update_report() {
    const auto health = shown_health();
    auto admission = agent_.admission;
    if (admission == Admission::ready && agent_drains()) admission = Admission::drain;
    auto reason = shown_reason();
    const bool same_state = health == reported_health_ && admission == reported_admission_;
    if (same_state && reason == reported_reason_) return;
    if (!same_state) since_ = std::chrono::system_clock::now();
    reported_health_ = health;
    reported_admission_ = admission;
    reported_reason_ = std::move(reason);
    report_changes_.fetch_add(1, relaxed);
}

}  // namespace poise::pool
