#include "app/machine_checks.hpp"

#include "app/control_client.hpp"
#include "app/limits.hpp"
#include "app/listening.hpp"
#include "app/status.hpp"
#include "app/unix_path.hpp"
#include "ha/floating_addresses.hpp"
#include "tls/certificate.hpp"
#include "tls/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace poise::app {

namespace {

using config::Problem;
using MaybeProblem = std::optional<Problem>;

std::string error_text(int error) {
    return std::error_code(error, std::generic_category()).message();
}

// What the running Poise says it listens on. Asked once, and only when there is need: one that
// hangs lets us wait.
class Served {
public:
    explicit Served(std::string control) : control_(std::move(control)) {}

    bool contains(const Address& address, config::Transport transport) {
        if (!places_) places_ = load();
        return std::ranges::find(*places_, Place{transport, to_string(address)}) != places_->end();
    }

private:
    using Place = std::pair<config::Transport, std::string>;

    std::vector<Place> load() const {
        std::vector<Place> places;
        const auto answer = ask(control_, {.verb = ControlVerb::status});
        const auto status = answer ? status_from_json(*answer) : std::unexpected(answer.error());
        if (!status) return places;
        for (const ServiceStatus& service : status->services) {
            const bool udp = service.protocol == word(config::Protocol::udp);
            for (const std::string& address : service.listen)
                places.emplace_back(udp ? config::Transport::udp : config::Transport::tcp, address);
        }
        return places;
    }

    std::string control_;
    std::optional<std::vector<Place>> places_;
};

MaybeProblem check_listen(const Address& address, config::Transport transport, Served& served) {
    const std::string text = to_string(address);
    switch (const int error = bind_error(address, transport, true)) {
        case 0:
        case EACCES:
            return std::nullopt;
        case EADDRNOTAVAIL:
            return Problem{
                fmt::format("cannot listen on {}: no interface of this machine has the address",
                            text),
                "`ip address` shows those it has"};
        case EADDRINUSE:
            if (served.contains(address, transport)) return std::nullopt;
            return Problem{fmt::format("cannot listen on {}: another process already does", text),
                           transport == config::Transport::udp ? "`ss -lunp` shows which"
                                                               : "`ss -ltnp` shows which"};
        default:
            return Problem{fmt::format("cannot listen on {}: {}", text, error_text(error))};
    }
}

// 0, or why no file can be made in the folder of `path`.
int folder_error(const std::string& path) {
    auto folder = std::filesystem::path(path).parent_path().string();
    if (folder.empty()) folder = ".";
    return ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

MaybeProblem check_log_file(const std::string& path) {
    struct stat facts{};
    int error = 0;
    if (::stat(path.c_str(), &facts) != 0)
        error = errno == ENOENT ? folder_error(path) : errno;
    else if (S_ISDIR(facts.st_mode))
        error = EISDIR;
    else if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0)
        error = errno;
    if (error == 0) return std::nullopt;
    return Problem{fmt::format("cannot write the log to '{}': {}", path, error_text(error))};
}

MaybeProblem check_control(const std::string& path) {
    if (const auto address = unix_address(path); !address) return Problem{address.error()};
    struct stat facts{};
    if (::lstat(path.c_str(), &facts) == 0 && !S_ISSOCK(facts.st_mode))
        return Problem{fmt::format("control socket {}: a file of that name exists", path)};
    if (const int error = folder_error(path); error != 0) {
        return Problem{fmt::format("control socket {}: {}", path, error_text(error)),
                       "its folder must exist, and Poise be allowed to make files in it"};
    }
    return std::nullopt;
}

// In the words of the configuration's checks.
MaybeProblem problem_of(const tls::Problem& problem) {
    return Problem{problem.message, problem.hint, true};
}

MaybeProblem check_certificate(const config::Certificate& certificate) {
    const auto loaded = tls::Certificate::load(certificate.cert, certificate.key);
    return loaded ? std::nullopt : problem_of(loaded.error());
}

MaybeProblem check_floating_ip(const config::FloatingAddress& address) {
    const auto problem = ha::address_problem(address);
    if (!problem) return std::nullopt;
    return Problem{problem->message, problem->hint, true};
}

MaybeProblem check_listen_tls(const config::ListenTls& listen) {
    const auto loaded = tls::load_server_settings(listen, {});
    return loaded ? std::nullopt : problem_of(loaded.error());
}

MaybeProblem check_server_tls(const config::ServerTls& servers) {
    const auto loaded = tls::load_client_settings(servers, {});
    return loaded ? std::nullopt : problem_of(loaded.error());
}

MaybeProblem check_io(config::IoEngine wanted) {
    const auto choice = choose_io(wanted);
    return choice ? std::nullopt : MaybeProblem(choice.error());
}

}  // namespace

config::MachineChecks machine_checks(std::string control) {
    const auto served = std::make_shared<Served>(std::move(control));
    return {.listen =
                [served](const Address& address, config::Transport transport) {
                    return check_listen(address, transport, *served);
                },
            .certificate = check_certificate,
            .floating_ip = check_floating_ip,
            .listen_tls = check_listen_tls,
            .server_tls = check_server_tls,
            .log_file = check_log_file,
            .control = check_control,
            .io = check_io};
}

}  // namespace poise::app
