// Any bytes: the reader stays in its limits, and says the same of a hello in pieces and of one
// that is spread over more records.
#include "tls/client_hello.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace poise;
using tls::ClientHello;
using State = ClientHello::State;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// Once a start of the bytes has given an answer, more bytes do not change it.
void check_pieces(std::string_view bytes, const ClientHello& whole) {
    const std::size_t step = 1 + bytes.size() / 64;
    for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
        const ClientHello part = tls::read_client_hello(bytes.substr(0, cut));
        if (part.state == State::needs_more) continue;
        require(part.state == whole.state);
        require(part.server_name == whole.server_name && part.alpn == whole.alpn);
    }
}

// The same message, a record for each `size` bytes of it.
void check_in_records(std::string_view bytes, const ClientHello& whole, std::size_t size) {
    std::string message;
    while (bytes.size() >= 5 && bytes[0] == 22) {
        const auto high = static_cast<unsigned char>(bytes[3]);
        const auto low = static_cast<unsigned char>(bytes[4]);
        const std::size_t length = std::min<std::size_t>(high << 8 | low, bytes.size() - 5);
        message += bytes.substr(5, length);
        bytes.remove_prefix(5 + length);
    }
    std::string records;
    for (std::size_t at = 0; at < message.size(); at += size) {
        const std::string fragment = message.substr(at, size);
        records += {'\x16', '\3', '\3', static_cast<char>(fragment.size() >> 8),
                    static_cast<char>(fragment.size() & 0xff)};
        records += fragment;
    }
    if (records.size() > tls::client_hello_bytes_max) return;
    const ClientHello again = tls::read_client_hello(records);
    require(again.state == State::found);
    require(again.server_name == whole.server_name && again.alpn == whole.alpn);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    const ClientHello hello = tls::read_client_hello(bytes);
    require(hello.server_name.size() <= 255);
    if (hello.state == State::needs_more) require(size < tls::client_hello_bytes_max);
    if (hello.state != State::found) require(hello.server_name.empty() && hello.alpn.empty());
    check_pieces(bytes, hello);
    if (hello.state == State::found)
        for (const std::size_t length : {1, 7, 1'000})
            check_in_records(bytes, hello, length);
    return 0;
}
