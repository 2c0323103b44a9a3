#include "config/places.hpp"

namespace poise::config {

namespace {

// The path without its last part; empty for the root.
std::string_view parent(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

}  // namespace

void Places::note(const std::string& path, int line, int column) {
    places_.insert_or_assign(path, Spot{line, column});
}

void Places::mark_broken(std::string_view path) {
    for (; !path.empty(); path = parent(path)) {
        if (!broken_.emplace(path).second) return;
    }
}

Position Places::at(std::string_view path) const {
    for (; !path.empty(); path = parent(path)) {
        const auto found = places_.find(std::string(path));
        if (found != places_.end()) return {file_, found->second.line, found->second.column};
    }
    return {file_, 1, 1};
}

}  // namespace poise::config
