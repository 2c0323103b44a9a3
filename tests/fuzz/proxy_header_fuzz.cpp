// Any bytes: the parser stays in its limits, says the same of a header in pieces, and reads back
// what is written from what it read.
#include "proxy/proxy_header.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

using namespace poise;
using proxy::ProxyHeader;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_pieces(std::string_view bytes, const ProxyHeader& whole) {
    for (std::size_t cut = 0; cut < bytes.size() && cut <= proxy::proxy_v2_bytes_max; ++cut) {
        const ProxyHeader part = proxy::parse_proxy_header(bytes.substr(0, cut));
        switch (part.state) {
            case ProxyHeader::State::needs_more:
                continue;
            case ProxyHeader::State::done:
                require(whole.state == ProxyHeader::State::done);
                require(whole.consumed == part.consumed && part.consumed == cut);
                return;
            case ProxyHeader::State::error:
                require(whole.state == ProxyHeader::State::error);
                require(whole.offset == part.offset);
                return;
        }
    }
}

void check_written(const ProxyHeader& header) {
    for (const auto version : {config::ProxyProtocol::v1, config::ProxyProtocol::v2}) {
        std::string out;
        proxy::append_proxy_header(out, version, header.source, header.destination);
        const ProxyHeader again = proxy::parse_proxy_header(out);
        require(again.state == ProxyHeader::State::done);
        require(again.consumed == out.size());
        require(again.source == header.source);
        require(again.destination == header.destination);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    const ProxyHeader whole = proxy::parse_proxy_header(bytes);
    switch (whole.state) {
        case ProxyHeader::State::needs_more:
            require(size < proxy::proxy_v2_bytes_max);
            break;
        case ProxyHeader::State::done:
            require(whole.consumed <= size && whole.consumed <= proxy::proxy_v2_bytes_max);
            require(whole.version == 1 || whole.version == 2);
            if (!whole.local) check_written(whole);
            break;
        case ProxyHeader::State::error:
            require(whole.offset <= size && !whole.what.empty());
            break;
    }
    check_pieces(bytes, whole);
    return 0;
}
