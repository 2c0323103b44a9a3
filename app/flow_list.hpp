// Flows of layer 4, for the API: looked for a piece at a time, so that packets hardly wait.
#pragma once

#include "admin/program.hpp"
#include "l4/flow_table.hpp"
#include "l4/services.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace poise::app {

/// Takes copies of what the filter chooses. The lanes' threads look, one after the other; another
/// one waits.
class FlowList {
public:
    /// Places of the table that are looked at between two batches of packets.
    static constexpr std::size_t places_at_once = 4'096;

    FlowList(admin::ListFilter filter, std::shared_ptr<const l4::Services> services);

    enum class Looked : std::uint8_t {
        more,          // to be called again with the same table
        end_of_table,  // to be called with the next one
        done,          // through, or nobody waits any more
    };
    /// Looks at some more of the table, which is the `last` one or not.
    Looked look(const l4::FlowTable& flows, bool last);

    /// Waits until it is through, at most for `limit`, and returns the JSON of what was found
    /// until then; `whole` is false when there may be more.
    std::string wait(std::chrono::milliseconds limit);

private:
    struct Found {
        l4::Flow flow;
        std::uint32_t seconds_left = 0;
    };

    bool is_wanted(const l4::Flow& flow) const;
    std::string to_json() const;

    const admin::ListFilter filter_;
    const std::shared_ptr<const l4::Services> services_;
    std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    std::vector<Found> found_;
    std::size_t next_ = 0;
    std::size_t total_ = 0;
    bool full_ = false;  // there are more than are wanted
    bool done_ = false;
    bool whole_ = false;
};

}  // namespace poise::app
