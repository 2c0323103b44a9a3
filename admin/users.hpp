// Who may administer: users and tokens with their roles, kept in users.yaml.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poise::admin {

/// Each may what the ones before it may.
enum class Role : std::uint8_t { nobody, viewer, operator_, administrator };

/// "viewer", "operator", "administrator"; "nobody".
std::string_view word(Role role);
/// Of the three that a user can have.
std::optional<Role> role_of(std::string_view word);

struct User {
    std::string name;
    Role role = Role::viewer;
    std::string password_hash;
    std::int64_t created = 0;  // seconds since 1970, as in the rest

    bool operator==(const User&) const = default;
};

struct Token {
    std::string id;  // public, names it
    std::string name;
    Role role = Role::viewer;
    std::string secret_hash;  // SHA-256: the secret is long and random
    std::int64_t created = 0;
    std::int64_t expires = 0;  // 0: never
    std::string created_by;

    bool operator==(const Token&) const = default;
};

struct Users {
    std::vector<User> users;
    std::vector<Token> tokens;

    const User* find(std::string_view name) const;
    User* find(std::string_view name);
    std::size_t administrators() const;

    bool operator==(const Users&) const = default;
};

constexpr std::size_t users_max = 1'000;
constexpr std::size_t tokens_max = 1'000;

/// Why it cannot be a user's or a token's name; empty: it can.
std::string name_problem(std::string_view name);

/// The text of users.yaml, both ways. The error is a sentence.
std::expected<Users, std::string> users_from_yaml(const std::string& text);
std::string to_yaml(const Users& users);

/// users.yaml on disk, which `poise user` and the running Poise both change.
class UserFile {
public:
    explicit UserFile(std::string path) : path_(std::move(path)) {}

    const std::string& path() const { return path_; }
    /// A missing file holds nobody.
    std::expected<Users, std::string> load() const;
    /// Reads, changes and writes while nobody else does. What `change` returns as an error is
    /// returned, and nothing is written.
    std::expected<void, std::string> update(
        const std::function<std::expected<void, std::string>(Users&)>& change) const;
    /// Changes when the file does.
    std::string mark() const;

private:
    std::string path_;
};

/// What the command line and the API have in common. Errors are sentences.
std::expected<void, std::string> add_user(Users& users, const std::string& name, Role role,
                                          std::string_view password, std::int64_t now);
std::expected<void, std::string> set_password(Users& users, const std::string& name,
                                              std::string_view password);
std::expected<void, std::string> set_role(Users& users, const std::string& name, Role role);
/// Refuses to remove the last administrator while there are others.
std::expected<void, std::string> remove_user(Users& users, const std::string& name);

struct NewToken {
    std::string id;
    std::string secret;  // shown once: "poise_ID_SECRET"
};
std::expected<NewToken, std::string> add_token(Users& users, const std::string& name, Role role,
                                               std::int64_t expires, const std::string& by,
                                               std::int64_t now);
std::expected<void, std::string> remove_token(Users& users, const std::string& id);

}  // namespace poise::admin
