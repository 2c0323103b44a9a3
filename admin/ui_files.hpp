// The web page's files, which are part of the binary.
#pragma once

#include <string_view>

namespace poise::admin {

struct UiFile {
    std::string_view path;  // "/app.js"
    std::string_view type;
    std::string_view bytes;
    std::string_view etag;  // in quotes; of these bytes
};

/// nullptr when there is no such file. "/" is the page itself.
const UiFile* find_ui_file(std::string_view path);

}  // namespace poise::admin
