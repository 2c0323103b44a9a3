// Who is asking: passwords, sessions, tokens, and the one-time link of a node without users.
#pragma once

#include "admin/lockout.hpp"
#include "admin/message.hpp"
#include "admin/users.hpp"

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace poise::admin {

/// Somebody whom we know.
struct Principal {
    std::string name;  // a user, "token NAME", or "first start"
    Role role = Role::nobody;
    std::string csrf;     // what a change must carry; empty: a token, which no browser sends
    std::string session;  // its key; empty for a token
};

/// Belongs to the administration's thread. All times are given, so that tests need not wait.
class Access {
public:
    using Time = std::chrono::system_clock::time_point;

    static constexpr std::size_t sessions_max = 1'000;
    static constexpr std::chrono::hours idle_limit{2};
    static constexpr std::chrono::hours session_limit{12};
    static constexpr unsigned checks_per_second_max = 10;  // a password's check costs a tenth of it

    /// The error of a file that cannot be read is a sentence; nobody gets in then.
    explicit Access(UserFile file);

    /// Reads users.yaml again when it has changed. What is wrong with it is returned once, and the
    /// users before stay.
    std::optional<std::string> refresh();

    const Users& users() const { return users_; }
    const UserFile& file() const { return file_; }
    bool has_users() const { return !users_.users.empty() || broken_; }

    /// A fresh link for the first start; the one before ends.
    std::string make_link();

    /// By session cookie or bearer token.
    std::optional<Principal> identify(const Request& request, Time now);
    /// As identify() without being a sign of life.
    bool still_valid(const Principal& principal, Time now) const;

    struct Refused {
        std::chrono::seconds wait{0};  // before the next try; 0: the password was wrong
    };
    std::expected<Principal, Refused> sign_in(const std::string& name, std::string_view password,
                                              const Address& client, Time now);
    /// An administrator's session, once, while there are no users.
    std::optional<Principal> use_link(std::string_view link, Time now);
    /// Of a user who is signed in; counts as a try.
    std::expected<void, Refused> check_password(const std::string& name, std::string_view password,
                                                const Address& client, Time now);
    void sign_out(const Principal& principal) { sessions_.erase(principal.session); }
    /// A new session in the place of this one, for whom the user's password has just changed.
    Principal renew(const Principal& principal, Time now);

    /// Change users.yaml and take it over at once. The error is a sentence.
    std::expected<void, std::string> change(
        const std::function<std::expected<void, std::string>(Users&)>& change);

    std::size_t sessions() const { return sessions_.size(); }

private:
    struct Session {
        std::string user;           // empty: the first start
        std::string password_hash;  // as it was: a new password ends the session
        std::string csrf;
        Time began, used;
    };

    Principal open_session(const User* user, Time now);
    const Session* find(std::string_view key, Time now) const;
    std::optional<Principal> by_token(std::string_view authorization, Time now) const;
    Role role_of(const Session& session) const;
    bool too_many_checks(Time now);
    void make_room(Time now);

    UserFile file_;
    Users users_;
    std::string mark_;
    bool broken_ = false;
    std::string link_;
    std::map<std::string, Session, std::less<>> sessions_;
    Lockout by_user_{3};
    Lockout by_address_{10};
    Time second_;
    unsigned checks_ = 0;
};

/// What the session cookie is called; browsers give the first name to HTTPS alone.
std::string_view cookie_name(bool tls);

}  // namespace poise::admin
