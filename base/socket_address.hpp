// Between Address and the kernel's sockaddr.
#pragma once

#include "base/address.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace poise {

/// IPv4 addresses become sockaddr_in, all others sockaddr_in6.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    explicit SocketAddress(const Address& address);
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    int family() const { return storage.ss_family; }
};

/// Families other than IPv4 and IPv6 give the zero address.
Address to_address(const sockaddr_storage& storage);

}  // namespace poise
