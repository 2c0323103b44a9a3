// libcurl, loaded when the first message leaves: with what it needs itself it costs a process 4 MB
// and 10 ms at its start, which a sidecar should not pay.
#pragma once

#include <curl/curl.h>

namespace poise::admin {

/// The functions that we call.
struct Curl {
    decltype(&curl_easy_init) easy_init;
    decltype(&curl_easy_cleanup) easy_cleanup;
    decltype(&curl_easy_setopt) easy_setopt;
    decltype(&curl_easy_getinfo) easy_getinfo;
    decltype(&curl_easy_strerror) easy_strerror;
    decltype(&curl_multi_init) multi_init;
    decltype(&curl_multi_cleanup) multi_cleanup;
    decltype(&curl_multi_add_handle) multi_add_handle;
    decltype(&curl_multi_remove_handle) multi_remove_handle;
    decltype(&curl_multi_perform) multi_perform;
    decltype(&curl_multi_poll) multi_poll;
    decltype(&curl_multi_info_read) multi_info_read;
    decltype(&curl_slist_append) slist_append;
    decltype(&curl_slist_free_all) slist_free_all;
};

/// Loaded and started by the first call, for good. Null: it is not installed. Any thread.
const Curl* curl();

}  // namespace poise::admin
