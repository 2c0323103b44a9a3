#include "ha/links.hpp"

#include <algorithm>
#include <cstring>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace poise::ha {

Links::Links(std::vector<std::string> names)
    : names_(std::move(names)), fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    std::ranges::sort(names_);
    names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

Links::~Links() {
    if (fd_ >= 0) ::close(fd_);
}

std::vector<std::string> Links::down() const {
    std::vector<std::string> down;
    for (const std::string& name : names_) {
        ifreq request{};
        if (name.size() >= sizeof request.ifr_name) {
            down.push_back(name);
            continue;
        }
        std::memcpy(request.ifr_name, name.data(), name.size());
        const unsigned wanted = IFF_UP | IFF_RUNNING;
        const bool known = ::ioctl(fd_, SIOCGIFFLAGS, &request) == 0;
        if (!known || (static_cast<unsigned>(request.ifr_flags) & wanted) != wanted)
            down.push_back(name);
    }
    return down;
}

}  // namespace poise::ha
