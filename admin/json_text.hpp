// JSON as bytes, for .cpp files of admin/: what is no UTF-8 becomes U+FFFD and never throws.
#pragma once

#include <string>

// Heavy: sources include <nlohmann/json.hpp> themselves, this header names what it needs of it.
namespace poise::admin {

template <typename Json>
std::string json_text(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace poise::admin
