#include "admin/users.hpp"

#include "admin/file.hpp"
#include "admin/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

namespace poise::admin {

namespace {

constexpr std::array<std::string_view, 4> role_words{"nobody", "viewer", "operator",
                                                     "administrator"};
constexpr std::size_t file_bytes_max = 1 << 20;
constexpr std::size_t name_bytes_max = 64;

std::unexpected<std::string> none_named(std::string_view what, std::string_view name) {
    return std::unexpected(fmt::format("there is no {} '{}'", what, name));
}

Role role_from(const YAML::Node& node) {
    const auto text = node["role"].as<std::string>();
    const auto role = role_of(text);
    if (!role) throw YAML::RepresentationException(node.Mark(), "no role is named " + text);
    return *role;
}

User user_from(const YAML::Node& node) {
    return {.name = node["name"].as<std::string>(),
            .role = role_from(node),
            .password_hash = node["password"].as<std::string>(),
            .created = node["created"].as<std::int64_t>(0)};
}

Token token_from(const YAML::Node& node) {
    return {.id = node["id"].as<std::string>(),
            .name = node["name"].as<std::string>(),
            .role = role_from(node),
            .secret_hash = node["secret"].as<std::string>(),
            .created = node["created"].as<std::int64_t>(0),
            .expires = node["expires"].as<std::int64_t>(0),
            .created_by = node["created_by"].as<std::string>("")};
}

}  // namespace

std::string_view word(Role role) {
    return role_words[static_cast<std::size_t>(role)];
}

std::optional<Role> role_of(std::string_view text) {
    const auto found = std::find(role_words.begin() + 1, role_words.end(), text);
    if (found == role_words.end()) return std::nullopt;
    return static_cast<Role>(found - role_words.begin());
}

const User* Users::find(std::string_view name) const {
    const auto found = std::ranges::find(users, name, &User::name);
    return found == users.end() ? nullptr : &*found;
}

User* Users::find(std::string_view name) {
    const auto found = std::ranges::find(users, name, &User::name);
    return found == users.end() ? nullptr : &*found;
}

std::size_t Users::administrators() const {
    return static_cast<std::size_t>(std::ranges::count(users, Role::administrator, &User::role));
}

std::string name_problem(std::string_view name) {
    constexpr std::string_view allowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";
    if (!name.empty() && name.size() <= name_bytes_max &&
        name.find_first_not_of(allowed) == std::string_view::npos)
        return {};
    return fmt::format("a name has 1 to {} letters, digits, '.', '_', '@' and '-'", name_bytes_max);
}

std::expected<Users, std::string> users_from_yaml(const std::string& text) {
    try {
        const YAML::Node root = YAML::Load(text);
        Users users;
        if (root.IsNull()) return users;
        for (const YAML::Node& node : root["users"])
            users.users.push_back(user_from(node));
        for (const YAML::Node& node : root["tokens"])
            users.tokens.push_back(token_from(node));
        if (users.users.size() > users_max || users.tokens.size() > tokens_max)
            return std::unexpected("it holds too many users or tokens");
        return users;
    } catch (const YAML::Exception& wrong) {
        return std::unexpected(fmt::format("line {}: {}", wrong.mark.line + 1, wrong.msg));
    }
}

std::string to_yaml(const Users& users) {
    std::string text =
        "# Who may administer this node. Made by `poise user` and the web page; passwords are\n"
        "# hashes (scrypt). Keep it readable by Poise alone.\n";
    const auto out = std::back_inserter(text);
    fmt::format_to(out, "users:{}\n", users.users.empty() ? " []" : "");
    for (const User& user : users.users) {
        fmt::format_to(out,
                       "  - name: \"{}\"\n    role: {}\n    password: \"{}\"\n    created: {}\n",
                       user.name, word(user.role), user.password_hash, user.created);
    }
    fmt::format_to(out, "tokens:{}\n", users.tokens.empty() ? " []" : "");
    for (const Token& token : users.tokens) {
        fmt::format_to(out,
                       "  - id: \"{}\"\n    name: \"{}\"\n    role: {}\n    secret: \"{}\"\n"
                       "    created: {}\n    expires: {}\n    created_by: \"{}\"\n",
                       token.id, token.name, word(token.role), token.secret_hash, token.created,
                       token.expires, token.created_by);
    }
    return text;
}

std::expected<Users, std::string> UserFile::load() const {
    struct stat facts{};
    if (path_.empty() || ::stat(path_.c_str(), &facts) != 0) return Users{};
    const auto text = read_whole(path_, file_bytes_max);
    if (!text) return std::unexpected(fmt::format("cannot read {}", path_));
    auto users = users_from_yaml(*text);
    if (!users) return std::unexpected(fmt::format("{} has an error: {}", path_, users.error()));
    return users;
}

std::expected<void, std::string> UserFile::update(
    const std::function<std::expected<void, std::string>(Users&)>& change) const {
    if (path_.empty()) return std::unexpected("there is no place to keep users in");
    const FileLock lock(path_ + ".lock");
    if (!lock.held())
        return std::unexpected(fmt::format("cannot lock {}.lock: is its folder writable?", path_));
    auto users = load();
    if (!users) return std::unexpected(users.error());
    if (auto changed = change(*users); !changed) return changed;
    return write_whole(path_, to_yaml(*users));
}

std::string UserFile::mark() const {
    struct stat facts{};
    if (path_.empty() || ::stat(path_.c_str(), &facts) != 0) return {};
    return fmt::format("{}.{}.{}.{}", facts.st_ino, facts.st_size, facts.st_mtim.tv_sec,
                       facts.st_mtim.tv_nsec);
}

std::expected<void, std::string> add_user(Users& users, const std::string& name, Role role,
                                          std::string_view password, std::int64_t now) {
    if (auto wrong = name_problem(name); !wrong.empty()) return std::unexpected(wrong);
    if (users.find(name) != nullptr)
        return std::unexpected(fmt::format("there is a user '{}' already", name));
    if (users.users.size() >= users_max)
        return std::unexpected(fmt::format("there are {} users; that is the limit", users_max));
    if (users.users.empty() && role != Role::administrator)
        return std::unexpected("the first user must be an administrator");
    if (auto wrong = password_problem(password); !wrong.empty()) return std::unexpected(wrong);
    users.users.push_back({name, role, hash_password(password), now});
    return {};
}

std::expected<void, std::string> set_password(Users& users, const std::string& name,
                                              std::string_view password) {
    User* const user = users.find(name);
    if (user == nullptr) return none_named("user", name);
    if (auto wrong = password_problem(password); !wrong.empty()) return std::unexpected(wrong);
    user->password_hash = hash_password(password);
    return {};
}

std::expected<void, std::string> set_role(Users& users, const std::string& name, Role role) {
    User* const user = users.find(name);
    if (user == nullptr) return none_named("user", name);
    const bool last = user->role == Role::administrator && users.administrators() == 1;
    if (last && role != Role::administrator)
        return std::unexpected(fmt::format("'{}' is the last administrator", name));
    user->role = role;
    return {};
}

std::expected<void, std::string> remove_user(Users& users, const std::string& name) {
    const User* const user = users.find(name);
    if (user == nullptr) return none_named("user", name);
    const bool last = user->role == Role::administrator && users.administrators() == 1;
    if (last && users.users.size() > 1)
        return std::unexpected(fmt::format("'{}' is the last administrator", name));
    std::erase_if(users.users, [&](const User& one) { return one.name == name; });
    return {};
}

std::expected<NewToken, std::string> add_token(Users& users, const std::string& name, Role role,
                                               std::int64_t expires, const std::string& by,
                                               std::int64_t now) {
    constexpr std::size_t id_bytes = 6;
    constexpr std::size_t secret_bytes = 32;
    if (auto wrong = name_problem(name); !wrong.empty()) return std::unexpected(wrong);
    if (users.tokens.size() >= tokens_max)
        return std::unexpected(fmt::format("there are {} tokens; that is the limit", tokens_max));
    if (expires != 0 && expires <= now) return std::unexpected("it would have expired already");
    NewToken made{random_text(id_bytes), "poise_" + random_text(secret_bytes)};
    users.tokens.push_back({made.id, name, role, sha256_hex(made.secret), now, expires, by});
    return made;
}

std::expected<void, std::string> remove_token(Users& users, const std::string& id) {
    if (std::erase_if(users.tokens, [&](const Token& one) { return one.id == id; }) > 0) return {};
    return none_named("token", id);
}

}  // namespace poise::admin
