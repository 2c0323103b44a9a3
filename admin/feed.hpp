// Server-sent events on their way to browsers: one text for all, a short queue for each.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

namespace poise::admin {

/// Belongs to the administration's thread. A reader that does not keep up loses the oldest
/// events: the next status tells it all that it needs.
class Feed {
public:
    static constexpr std::size_t readers_max = 64;
    static constexpr std::size_t queue_max = 16;

    using Text = std::shared_ptr<const std::string>;

    struct Reader {
        std::deque<Text> queue;
        std::function<void()> wake;  // when something was queued
    };

    bool full() const { return readers_.size() >= readers_max; }
    bool any() const { return !readers_.empty(); }

    /// `reader` must leave before it is destroyed.
    void join(Reader& reader) { readers_.push_back(&reader); }
    void leave(Reader& reader) { readers_.remove(&reader); }

    /// `data` is one line. Ends up as "event: NAME\ndata: DATA\n\n".
    void publish(std::string_view name, std::string_view data);

private:
    std::list<Reader*> readers_;
};

}  // namespace poise::admin
