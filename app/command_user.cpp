// `poise user`: who may administer. Works on users.yaml, which a running Poise reads again.
#include "admin/users.hpp"
#include "app/admin_door.hpp"
#include "app/commands.hpp"
#include "app/serving.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <istream>
#include <ostream>
#include <termios.h>
#include <unistd.h>

namespace poise::app {

namespace {

std::int64_t now_s() {
    return std::chrono::floor<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// While it lives, the terminal does not show what is typed.
class Hidden {
public:
    Hidden() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
        termios hidden = before_;
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        is_set_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
    }
    ~Hidden() {
        if (is_set_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
    Hidden(const Hidden&) = delete;
    Hidden& operator=(const Hidden&) = delete;

private:
    termios before_{};
    bool is_set_ = false;
};

std::string typed(const char* prompt, Terminal& terminal, std::istream& in) {
    terminal.err << prompt << std::flush;
    std::string line;
    {
        const Hidden hidden;
        std::getline(in, line);
    }
    terminal.err << '\n';
    return line;
}

// From the terminal, twice; else the first line of the standard input. Never from the command
// line, which every user of the machine can read.
std::expected<std::string, std::string> read_password(Terminal& terminal, std::istream& in) {
    if (!terminal.in_is_terminal) {
        std::string line;
        std::getline(in, line);
        return line;
    }
    std::string password = typed("Password (at least 10 characters): ", terminal, in);
    if (password != typed("Once more: ", terminal, in))
        return std::unexpected("the two passwords differ");
    return password;
}

int print_all(const admin::Users& users, Terminal& terminal) {
    for (const admin::User& user : users.users)
        terminal.out << fmt::format("user   {:<24} {}\n", user.name, word(user.role));
    for (const admin::Token& token : users.tokens) {
        const bool over = token.expires != 0 && token.expires <= now_s();
        terminal.out << fmt::format("token  {:<24} {:<14} {}{}\n", token.name, word(token.role),
                                    token.id, over ? "  expired" : "");
    }
    if (users.users.empty() && users.tokens.empty())
        terminal.out << "nobody yet; add an administrator: poise user add NAME\n";
    return exit_good;
}

int run_on(const UserOptions& options, const admin::UserFile& file, Terminal& terminal,
           std::istream& in) {
    using Result = std::expected<void, std::string>;
    if (options.verb == "list") {
        const auto users = file.load();
        return users ? print_all(*users, terminal) : terminal.fail(users.error());
    }
    const auto role = admin::role_of(options.role);
    if (!role) return terminal.fail(fmt::format("there is no role '{}'", options.role));
    std::string password;
    if (options.verb == "add" || options.verb == "passwd") {
        auto given = read_password(terminal, in);
        if (!given) return terminal.fail(given.error());
        password = std::move(*given);
    }
    std::string said;
    const Result changed = file.update([&](admin::Users& users) -> Result {
        if (options.verb == "add") return add_user(users, options.name, *role, password, now_s());
        if (options.verb == "passwd") return set_password(users, options.name, password);
        if (options.verb == "remove") return remove_user(users, options.name);
        constexpr std::int64_t day_s = 86'400;
        const std::int64_t expires = options.days == 0 ? 0 : now_s() + options.days * day_s;
        const auto made =
            add_token(users, options.name, *role, expires, "the command line", now_s());
        if (!made) return std::unexpected(made.error());
        said = made->secret;
        return {};
    });
    if (!changed) return terminal.fail(changed.error());
    if (said.empty()) said = fmt::format("{}: done, in {}", options.name, file.path());
    terminal.out << said << '\n';
    return exit_good;
}

}  // namespace

int run_user(const UserOptions& options, Terminal& terminal, std::istream& in) {
    config::Node node;
    if (!options.node.empty()) {
        auto loaded = config::load_node(options.node);
        if (!loaded) return print_diagnostics(loaded.error(), terminal);
        node = std::move(*loaded);
    }
    const admin::AdminOptions settings = admin_options(node, "", options.node);
    std::string path = options.file.empty() ? settings.users_file : options.file;
    if (path.empty()) path = settings.state_folder + "/users.yaml";
    return run_on(options, admin::UserFile(path), terminal, in);
}

}  // namespace poise::app
