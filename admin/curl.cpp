#include "admin/curl.hpp"

#include "base/shared_library.hpp"

#include <optional>

namespace poise::admin {

namespace {

std::optional<Curl> load() {
    static const SharedLibrary library("libcurl.so.4");
    decltype(&curl_global_init) start = nullptr;
    Curl found{};
    const bool all = library.loaded() && library.find("curl_global_init", start) &&
                     library.find("curl_easy_init", found.easy_init) &&
                     library.find("curl_easy_cleanup", found.easy_cleanup) &&
                     library.find("curl_easy_setopt", found.easy_setopt) &&
                     library.find("curl_easy_getinfo", found.easy_getinfo) &&
                     library.find("curl_easy_strerror", found.easy_strerror) &&
                     library.find("curl_multi_init", found.multi_init) &&
                     library.find("curl_multi_cleanup", found.multi_cleanup) &&
                     library.find("curl_multi_add_handle", found.multi_add_handle) &&
                     library.find("curl_multi_remove_handle", found.multi_remove_handle) &&
                     library.find("curl_multi_perform", found.multi_perform) &&
                     library.find("curl_multi_poll", found.multi_poll) &&
                     library.find("curl_multi_info_read", found.multi_info_read) &&
                     library.find("curl_slist_append", found.slist_append) &&
                     library.find("curl_slist_free_all", found.slist_free_all);
    if (!all || start(CURL_GLOBAL_DEFAULT) != CURLE_OK) return std::nullopt;
    return found;
}

}  // namespace

const Curl* curl() {
    static const std::optional<Curl> loaded = load();
    return loaded ? &*loaded : nullptr;
}

}  // namespace poise::admin
