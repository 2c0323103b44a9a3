// The operator's program that is run at each change of owner: to move a cloud provider's address,
// to tell a router.
#pragma once

#include "base/task_group.hpp"
#include "config/model.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace poise::ha {

struct HookEvent {
    bool active = false;  // this node has the floating addresses now
    std::string reason;   // one word: "peer_dead", "ordered", ...
    std::string node;
    std::string peer;
    std::uint64_t epoch = 0;
    std::vector<config::FloatingAddress> addresses;
};

constexpr std::chrono::seconds hook_limit{10};  // then its process group is killed

/// What the program gets: "active" or "standby", the reason, the epoch, then an argument for each
/// address ("10.0.0.100/24"). The same by name: POISE_STATE, POISE_REASON, POISE_EPOCH,
/// POISE_NODE, POISE_PEER, POISE_ADDRESSES (separated by blanks), POISE_INTERFACES (one for each).
struct HookCall {
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
};
HookCall hook_call(const std::string& program, const HookEvent& change);

/// Runs it beside everything else: a takeover never waits for it. One at a time; of what happens
/// meanwhile only the last change is told, for that is how things are. Belongs to one thread.
class Hook {
public:
    /// For the log: `bad` when the program failed.
    using Tell = std::function<void(bool bad, const std::string& line)>;

    /// `program` may be empty: then nothing is ever run.
    Hook(boost::asio::any_io_executor executor, std::string program, Tell tell,
         std::chrono::milliseconds limit = hook_limit);

    void changed(HookEvent change);

    /// Kills what runs and forgets what waits. The executor must run on until running() is 0,
    /// before this is destroyed.
    void cancel();
    std::size_t running() const { return tasks_.running(); }

private:
    static Task<void> run(Hook* hook);

    std::string program_;
    Tell tell_;
    std::chrono::milliseconds limit_;
    std::optional<HookEvent> waiting_;
    TaskGroup tasks_;
};

}  // namespace poise::ha
