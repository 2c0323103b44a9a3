#include "ha/hook.hpp"

#include "base/child_process.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

namespace poise::ha {

namespace {

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, " "));
}

std::string outcome_text(const ProcessEnd& end, std::chrono::milliseconds limit) {
    const std::string said = end.first_line.empty() ? "" : ": " + end.first_line;
    switch (end.how) {
        case ProcessEnd::How::exited:
            return fmt::format("ended with exit code {}{}", end.code, said);
        case ProcessEnd::How::killed:
            return fmt::format("was ended by signal {}{}", end.code, said);
        case ProcessEnd::How::timed_out:
            return fmt::format("had not ended after {} ms and was killed{}", limit.count(), said);
        case ProcessEnd::How::not_started:
            break;
    }
    return fmt::format("cannot be started: {}",
                       std::error_code(end.code, std::generic_category()).message());
}

}  // namespace

HookCall hook_call(const std::string& program, const HookEvent& change) {
    std::vector<std::string> addresses, interfaces;
    for (const config::FloatingAddress& each : change.addresses) {
        addresses.push_back(fmt::format("{}/{}", ip_to_string(each.address), each.prefix_length));
        interfaces.push_back(each.interface);
    }
    const std::string state = change.active ? "active" : "standby";
    const std::string epoch = std::to_string(change.epoch);
    HookCall call{
        .arguments = {program, state, change.reason, epoch},
        .environment = {"POISE_STATE=" + state, "POISE_REASON=" + change.reason,
                        "POISE_EPOCH=" + epoch, "POISE_NODE=" + change.node,
                        "POISE_PEER=" + change.peer, "POISE_ADDRESSES=" + joined(addresses),
                        "POISE_INTERFACES=" + joined(interfaces)}};
    call.arguments.insert(call.arguments.end(), addresses.begin(), addresses.end());
    return call;
}

Hook::Hook(boost::asio::any_io_executor executor, std::string program, Tell tell,
           std::chrono::milliseconds limit)
    : program_(std::move(program)), tell_(std::move(tell)), limit_(limit), tasks_(executor) {}

void Hook::changed(HookEvent change) {
    if (program_.empty()) return;
    waiting_ = std::move(change);
    if (tasks_.running() == 0) tasks_.spawn(&Hook::run, this);
}

void Hook::cancel() {
    waiting_.reset();
    tasks_.cancel();
}

Task<void> Hook::run(Hook* hook) {
    while (hook->waiting_) {
        const HookEvent change = *std::exchange(hook->waiting_, std::nullopt);
        HookCall call = hook_call(hook->program_, change);
        const ProcessEnd end = co_await run_process(std::move(call.arguments), hook->limit_,
                                                    std::move(call.environment));
        const bool good = end.how == ProcessEnd::How::exited && end.code == 0;
        hook->tell_(!good, fmt::format("hook {} ({}, {}) {}", hook->program_,
                                       change.active ? "active" : "standby", change.reason,
                                       outcome_text(end, hook->limit_)));
    }
}

}  // namespace poise::ha
