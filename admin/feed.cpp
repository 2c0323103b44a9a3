#include "admin/feed.hpp"

namespace poise::admin {

void Feed::publish(std::string_view name, std::string_view data) {
    if (readers_.empty()) return;
    std::string text = "event: ";
    text.append(name).append("\ndata: ").append(data).append("\n\n");
    const auto shared = std::make_shared<const std::string>(std::move(text));
    for (Reader* const reader : readers_) {
        if (reader->queue.size() >= queue_max) reader->queue.pop_front();
        reader->queue.push_back(shared);
        if (reader->wake) reader->wake();
    }
}

}  // namespace poise::admin
