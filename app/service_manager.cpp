#include "app/service_manager.hpp"

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <utility>

namespace poise::app {

using std::chrono::microseconds;

namespace {

std::optional<std::uint64_t> number_in(const char* text) {
    if (text == nullptr) return std::nullopt;
    const std::string_view view(text);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(view.begin(), view.end(), value);
    if (error != std::errc{} || end != view.end()) return std::nullopt;
    return value;
}

// systemd compares it with what it has seen itself, to know which reload is meant.
std::uint64_t monotonic_us() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace

struct ServiceManager::Signs {
    explicit Signs(const boost::asio::any_io_executor& executor) : timer(executor) {}

    boost::asio::steady_timer timer;
    bool begun = false;
};

ServiceManager::Settings ServiceManager::from_environment() {
    Settings settings;
    if (const char* socket = std::getenv("NOTIFY_SOCKET")) settings.socket = socket;
    const auto limit = number_in(std::getenv("WATCHDOG_USEC"));
    const auto whose = number_in(std::getenv("WATCHDOG_PID"));
    const bool ours = !whose || *whose == static_cast<std::uint64_t>(::getpid());
    if (limit && *limit > 0 && ours) settings.watchdog = microseconds{*limit};
    return settings;
}

ServiceManager::ServiceManager(boost::asio::any_io_executor executor, Settings settings)
    : settings_(std::move(settings)), signs_(std::make_unique<Signs>(executor)) {}

ServiceManager::~ServiceManager() = default;

void ServiceManager::ready() {
    tell("READY=1");
    if (!settings_.watchdog || std::exchange(signs_->begun, true)) return;
    live_on();
}

void ServiceManager::reloading() {
    tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us()));
}

void ServiceManager::stopping() {
    tell("STOPPING=1");
}

void ServiceManager::end() {
    signs_->timer.cancel();
}

void ServiceManager::live_on() {
    tell("WATCHDOG=1");
    signs_->timer.expires_after(*settings_.watchdog / 2);
    signs_->timer.async_wait([this](const boost::system::error_code& error) {
        if (!error) live_on();
    });
}

// It must never hold Poise up: what does not go out at once is not sent.
void ServiceManager::tell(std::string_view state) const {
    sockaddr_un to{};
    const std::string& name = settings_.socket;
    if (name.empty() || name.size() >= sizeof to.sun_path) return;
    to.sun_family = AF_UNIX;
    name.copy(to.sun_path, name.size());
    if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return;
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    [[maybe_unused]] const ssize_t ignored =
        ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&to), length);
    ::close(fd);
}

}  // namespace poise::app
