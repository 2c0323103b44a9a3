#include "admin/alert_transport.hpp"

#include "admin/curl.hpp"
#include "admin/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <expected>
#include <memory>
#include <string_view>

namespace poise::admin {

namespace {

constexpr long connect_limit_ms = 10'000;
constexpr long total_limit_ms = 30'000;
constexpr int wake_ms = 100;
constexpr std::size_t secret_bytes_max = 4'096;

// Only with libcurl loaded is there anything to free.
struct FreeHandle {
    void operator()(CURL* handle) const { curl()->easy_cleanup(handle); }
};
struct FreeMulti {
    void operator()(CURLM* multi) const { curl()->multi_cleanup(multi); }
};
struct FreeList {
    void operator()(curl_slist* list) const { curl()->slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, FreeHandle>;
using Multi = std::unique_ptr<CURLM, FreeMulti>;
using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& text) {
    curl_slist* const longer = curl()->slist_append(list.get(), text.c_str());
    if (longer == nullptr) return;
    list.release();  // NOLINT(bugprone-unused-return-value): `longer` begins with it
    list.reset(longer);
}

// What is sent as a body, and how much of it has gone.
struct Reading {
    std::string_view rest;

    static std::size_t read(char* to, std::size_t size, std::size_t n, void* self) {
        std::string_view& rest = static_cast<Reading*>(self)->rest;
        const std::size_t count = std::min(size * n, rest.size());
        std::memcpy(to, rest.data(), count);
        rest.remove_prefix(count);
        return count;
    }
};

std::size_t discard(char*, std::size_t size, std::size_t n, void*) {
    return size * n;
}

// The first line of a file, without white space at its end.
std::expected<std::string, std::string> secret_of(const std::string& path) {
    auto text = read_whole(path, secret_bytes_max);
    if (!text) return std::unexpected(fmt::format("'{}' cannot be read", path));
    text->resize(std::min(text->find('\n'), text->size()));
    while (!text->empty() && (text->back() == ' ' || text->back() == '\r' || text->back() == '\t'))
        text->pop_back();
    if (text->empty()) return std::unexpected(fmt::format("the first line of '{}' is empty", path));
    return *text;
}

template <typename Value>
void set(const Handle& handle, CURLoption option, Value value) {
    curl()->easy_setopt(handle.get(), option, value);
}

std::expected<Handle, SendResult> make_handle(const char* protocols, const std::string& ca_file) {
    if (curl() == nullptr)
        return std::unexpected(
            SendResult{"libcurl.so.4 is missing or too old: apt install libcurl4"});
    Handle handle(curl()->easy_init());
    if (!handle) return std::unexpected(SendResult{"no memory"});
    set(handle, CURLOPT_NOSIGNAL, 1L);
    set(handle, CURLOPT_PROTOCOLS_STR, protocols);
    set(handle, CURLOPT_PROXY, "");  // what the environment says of proxies is for others
    set(handle, CURLOPT_CONNECTTIMEOUT_MS, connect_limit_ms);
    set(handle, CURLOPT_TIMEOUT_MS, total_limit_ms);
    set(handle, CURLOPT_WRITEFUNCTION, &discard);
    if (!ca_file.empty()) set(handle, CURLOPT_CAINFO, ca_file.c_str());
    return handle;
}

struct Ended {
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    long status = 0;
    std::string text;  // of libcurl
};

Ended perform(const Handle& handle, const std::atomic<bool>& stop) {
    std::array<char, CURL_ERROR_SIZE> text{};
    set(handle, CURLOPT_ERRORBUFFER, text.data());
    Ended ended;
    const Multi multi(curl()->multi_init());
    if (!multi || curl()->multi_add_handle(multi.get(), handle.get()) != CURLM_OK)
        return {CURLE_OUT_OF_MEMORY, 0, "no memory"};
    int running = 1;
    while (!stop && curl()->multi_perform(multi.get(), &running) == CURLM_OK && running > 0)
        curl()->multi_poll(multi.get(), nullptr, 0, wake_ms, nullptr);
    int left = 0;
    if (const CURLMsg* done = curl()->multi_info_read(multi.get(), &left); done != nullptr)
        ended.code = done->data.result;
    curl()->easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &ended.status);
    curl()->multi_remove_handle(multi.get(), handle.get());
    set(handle, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
    ended.text = text[0] != '\0' ? text.data() : curl()->easy_strerror(ended.code);
    if (stop) ended.text = "Poise is stopping";
    return ended;
}

SendResult mail_result(const Ended& ended) {
    if (ended.code == CURLE_OK) return {};
    const bool refused = ended.status >= 500 && ended.status < 600;
    // The same password again and again would lock the mailbox.
    return {ended.text, refused || ended.code == CURLE_LOGIN_DENIED};
}

SendResult post_result(const Ended& ended) {
    if (ended.code != CURLE_OK) return {ended.text, ended.code == CURLE_URL_MALFORMAT};
    if (ended.status >= 200 && ended.status < 300) return {};
    const bool later =
        ended.status >= 500 || ended.status == 408 || ended.status == 425 || ended.status == 429;
    return {fmt::format("the answer was {}", ended.status), !later};
}

}  // namespace

SendResult send_mail(const config::AlertMail& mail, const AlertMessage& message,
                     const std::atomic<bool>& stop) {
    const auto made = make_handle("smtp,smtps", mail.ca_file);
    if (!made) return made.error();
    const Handle& handle = *made;
    // The path is the name by which we greet the server.
    const char* const scheme = mail.tls == config::SmtpTls::always ? "smtps" : "smtp";
    set(handle, CURLOPT_URL, fmt::format("{}://{}/{}", scheme, mail.server, message.node).c_str());
    if (mail.tls == config::SmtpTls::starttls)
        set(handle, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
    if (!mail.user.empty()) {
        const auto password = secret_of(mail.password_file);
        if (!password) return {password.error()};
        set(handle, CURLOPT_USERNAME, mail.user.c_str());
        set(handle, CURLOPT_PASSWORD, password->c_str());
    }
    List recipients;
    for (const std::string& to : mail.to)
        append(recipients, fmt::format("<{}>", to));
    set(handle, CURLOPT_MAIL_FROM, fmt::format("<{}>", mail.from).c_str());
    set(handle, CURLOPT_MAIL_RCPT, recipients.get());
    set(handle, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);  // one address that is gone stops nobody else
    const std::string text = mail_of(message, mail);
    Reading reading{text};
    set(handle, CURLOPT_UPLOAD, 1L);
    set(handle, CURLOPT_READFUNCTION, &Reading::read);
    set(handle, CURLOPT_READDATA, &reading);
    return mail_result(perform(handle, stop));
}

SendResult post(const config::AlertWebhook& hook, const AlertMessage& message,
                const std::atomic<bool>& stop) {
    const auto made = make_handle("http,https", hook.ca_file);
    if (!made) return made.error();
    const Handle& handle = *made;
    std::string url = hook.url;
    if (!hook.url_file.empty()) {
        auto secret = secret_of(hook.url_file);
        if (!secret) return {secret.error()};
        url = std::move(*secret);
    }
    List fields;
    append(fields, "Content-Type: application/json");
    append(fields, "Expect:");  // no 100-continue: the body is small
    if (!hook.token_file.empty()) {
        const auto token = secret_of(hook.token_file);
        if (!token) return {token.error()};
        append(fields, "Authorization: Bearer " + *token);
    }
    const std::string text = json_of(message);
    set(handle, CURLOPT_URL, url.c_str());
    set(handle, CURLOPT_USERAGENT, "Poise");
    set(handle, CURLOPT_HTTPHEADER, fields.get());
    set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(text.size()));
    set(handle, CURLOPT_POSTFIELDS, text.c_str());
    return post_result(perform(handle, stop));
}

}  // namespace poise::admin
