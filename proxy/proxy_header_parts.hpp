// Version 2 of the PROXY protocol, for proxy_header.cpp.
#pragma once

#include "proxy/proxy_header.hpp"

namespace poise::proxy {

inline constexpr std::string_view proxy_v2_signature{"\r\n\r\n\0\r\nQUIT\n", 12};

/// `bytes` starts with the signature.
ProxyHeader parse_proxy_header_v2(std::string_view bytes);

}  // namespace poise::proxy
