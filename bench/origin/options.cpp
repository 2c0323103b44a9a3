// The origin's command line.
#include "bench/origin/options.hpp"

#include <string_view>

namespace poise::origin {

namespace {

/// Splits "127.0.0.1:80", "[::1]:80" or ":80" (every address, both families).
bool split_listen(std::string_view text, Options& options) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == text.size()) return false;
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    options.host = host.empty() ? "::" : host;
    options.port = text.substr(colon + 1);
    return options.port.find_first_not_of("0123456789") == std::string::npos;
}

bool name_is_clean(std::string_view name) {
    for (const char byte : name) {
        if (byte <= ' ' || byte > '~' || byte == '"' || byte == '\\') return false;
    }
    return !name.empty() && name.size() <= 64;
}

}  // namespace

std::expected<Options, std::string> parse_options(int argument_count, char** arguments) {
    Options options;
    for (int i = 1; i < argument_count; ++i) {
        const std::string_view word = arguments[i];
        if (word == "--help" || word == "-h") {
            options.help = true;
            return options;
        }
        if (i + 1 == argument_count) {
            return std::unexpected("'" + std::string(word) + "' is unknown or lacks its value");
        }
        const std::string_view value = arguments[++i];
        if (word == "--listen") {
            if (!split_listen(value, options)) {
                return std::unexpected("--listen takes ADDRESS:PORT, not '" + std::string(value) +
                                       "'");
            }
        } else if (word == "--name") {
            if (!name_is_clean(value)) {
                return std::unexpected("--name takes 1 to 64 printable characters without spaces");
            }
            options.name = value;
        } else {
            return std::unexpected("unknown option '" + std::string(word) + "'");
        }
    }
    return options;
}

std::string help_text() {
    return R"(origin - a small, fast HTTP/1.1 server for measurements and tests

usage: origin [--listen ADDRESS:PORT] [--name NAME]
  --listen  where to listen; default 127.0.0.1:9000; ":80" is every address
  --name    sent with every answer as "X-Origin: NAME"; default "origin"
  example:  origin --listen 127.0.0.1:9000 --name a & curl -i http://127.0.0.1:9000/1k

routes (N takes k, m or g, as in 64k; MS is milliseconds)
  /N  /bytes/N              N bytes of a known pattern, Content-Length
  /chunked/N[/PIECE[/MS]]   N bytes in chunks of PIECE (16k), MS apart
  /slow/N[/PIECE[/MS]]      N bytes with Content-Length in pieces of PIECE (1k), MS (100) apart
  /delay/MS                 the name after a pause        /never    no answer at all
  /status/CODE              an answer with that status    /name     the name alone
  /headers                  the request as JSON           /stats    requests and connections
  /echo                     length and FNV-1a 64 of the request's body as JSON
  /reset-midway[/N]         announces 2 N, sends N (64k), then resets; /cut-midway/N ends by FIN
  /reset-midway-chunked/N   the same with chunks; /cut-midway-chunked/N
  /early-hints  /trailers   103 before the answer; trailer fields after it
  /ws                       with Upgrade: 101, then every byte comes back
)";
}

}  // namespace poise::origin
