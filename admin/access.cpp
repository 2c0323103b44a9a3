#include "admin/access.hpp"

#include "admin/secrets.hpp"

#include <algorithm>
#include <utility>

namespace poise::admin {

namespace {

constexpr std::size_t key_bytes = 32;
constexpr int user_address_bits_v6 = 64;  // a site has that many addresses to try from

std::string address_key(const Address& client) {
    return ip_to_string(masked(client, client.is_v4() ? 128 : user_address_bits_v6));
}

std::int64_t seconds_of(Access::Time at) {
    return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
}

}  // namespace

std::string_view cookie_name(bool tls) {
    return tls ? "__Host-poise" : "poise-session";
}

Access::Access(UserFile file) : file_(std::move(file)) {}

std::optional<std::string> Access::refresh() {
    const std::string mark = file_.mark();
    if (mark == mark_) return std::nullopt;
    mark_ = mark;
    auto loaded = file_.load();
    if (!loaded) {
        broken_ = true;
        return loaded.error();
    }
    broken_ = false;
    users_ = std::move(*loaded);
    return std::nullopt;
}

std::string Access::make_link() {
    link_ = random_text(key_bytes);
    return link_;
}

Role Access::role_of(const Session& session) const {
    if (session.user.empty()) return has_users() ? Role::nobody : Role::administrator;
    const User* const user = users_.find(session.user);
    if (user == nullptr || user->password_hash != session.password_hash) return Role::nobody;
    return user->role;
}

const Access::Session* Access::find(std::string_view key, Time now) const {
    const auto found = sessions_.find(key);
    if (found == sessions_.end()) return nullptr;
    const Session& session = found->second;
    const bool over = now - session.used > idle_limit || now - session.began > session_limit;
    return over || role_of(session) == Role::nobody ? nullptr : &session;
}

std::optional<Principal> Access::by_token(std::string_view authorization, Time now) const {
    constexpr std::string_view scheme = "Bearer ";
    if (!authorization.starts_with(scheme)) return std::nullopt;
    const std::string hash = sha256_hex(authorization.substr(scheme.size()));
    for (const Token& token : users_.tokens) {
        const bool over = token.expires != 0 && token.expires <= seconds_of(now);
        if (equal_secrets(token.secret_hash, hash) && !over)
            return Principal{.name = "token " + token.name, .role = token.role};
    }
    return std::nullopt;
}

std::optional<Principal> Access::identify(const Request& request, Time now) {
    if (!request.authorization.empty()) return by_token(request.authorization, now);
    const std::string_view key = cookie_value(request.cookie, cookie_name(request.tls));
    const Session* const session = find(key, now);
    if (session == nullptr) return std::nullopt;
    sessions_.find(key)->second.used = now;
    return Principal{.name = session->user.empty() ? "first start" : session->user,
                     .role = role_of(*session),
                     .csrf = session->csrf,
                     .session = std::string(key)};
}

bool Access::still_valid(const Principal& principal, Time now) const {
    if (!principal.session.empty()) return find(principal.session, now) != nullptr;
    return std::ranges::any_of(users_.tokens, [&](const Token& token) {
        const bool over = token.expires != 0 && token.expires <= seconds_of(now);
        return principal.name == "token " + token.name && !over;
    });
}

bool Access::too_many_checks(Time now) {
    if (now - second_ >= std::chrono::seconds{1} || now < second_) {
        second_ = now;
        checks_ = 0;
    }
    return ++checks_ > checks_per_second_max;
}

std::expected<void, Access::Refused> Access::check_password(const std::string& name,
                                                            std::string_view password,
                                                            const Address& client, Time now) {
    const std::string from = address_key(client);
    const std::string both = name.substr(0, 64) + " " + from;
    const auto wait = std::max(by_user_.wait(both, now), by_address_.wait(from, now));
    if (wait.count() > 0) return std::unexpected(Refused{wait});
    if (too_many_checks(now)) return std::unexpected(Refused{std::chrono::seconds{1}});
    const User* const user = users_.find(name);
    if (verify_password(password, user == nullptr ? "" : user->password_hash)) {
        by_user_.succeeded(both);
        return {};
    }
    by_user_.failed(both, now);
    by_address_.failed(from, now);
    return std::unexpected(Refused{});
}

std::expected<Principal, Access::Refused> Access::sign_in(const std::string& name,
                                                          std::string_view password,
                                                          const Address& client, Time now) {
    if (auto checked = check_password(name, password, client, now); !checked)
        return std::unexpected(checked.error());
    return open_session(users_.find(name), now);
}

std::optional<Principal> Access::use_link(std::string_view link, Time now) {
    if (has_users() || link_.empty() || !equal_secrets(link, link_)) return std::nullopt;
    link_.clear();
    return open_session(nullptr, now);
}

Principal Access::renew(const Principal& principal, Time now) {
    sign_out(principal);
    return open_session(users_.find(principal.name), now);
}

Principal Access::open_session(const User* user, Time now) {
    make_room(now);
    Session session{.csrf = random_text(key_bytes), .began = now, .used = now};
    if (user != nullptr) {
        session.user = user->name;
        session.password_hash = user->password_hash;
    }
    Principal principal{.name = user == nullptr ? "first start" : user->name,
                        .role = user == nullptr ? Role::administrator : user->role,
                        .csrf = session.csrf,
                        .session = random_text(key_bytes)};
    sessions_.emplace(principal.session, std::move(session));
    return principal;
}

void Access::make_room(Time now) {
    if (sessions_.size() < sessions_max) return;
    std::erase_if(sessions_, [&](const auto& one) { return find(one.first, now) == nullptr; });
    if (sessions_.size() < sessions_max) return;
    sessions_.erase(
        std::ranges::min_element(sessions_, {}, [](const auto& one) { return one.second.used; }));
}

std::expected<void, std::string> Access::change(
    const std::function<std::expected<void, std::string>(Users&)>& change) {
    auto changed = file_.update(change);
    if (!changed) return changed;
    mark_.clear();
    if (auto wrong = refresh()) return std::unexpected(*wrong);
    return {};
}

}  // namespace poise::admin
