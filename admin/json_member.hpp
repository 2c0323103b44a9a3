// Parts of parsed JSON without copies, for .cpp files of admin/: a status of ten thousand servers
// is looked at each second.
#pragma once

// Heavy: sources include <nlohmann/json.hpp> themselves, this header names what it needs of it.
namespace poise::admin {

/// The member of that name; null when there is none, or `object` is no object. To go through null
/// is to go through nothing.
template <typename Json>
const Json& member(const Json& object, const char* name) {
    static const Json null;
    const auto found = object.find(name);
    return found == object.end() ? null : *found;
}

}  // namespace poise::admin
