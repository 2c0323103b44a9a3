// `poise proxy`: a sidecar without a file. It writes the file's text itself and has it checked,
// so that there is one reader and one set of rules.
#include "app/commands.hpp"
#include "app/serving.hpp"

#include <fmt/format.h>

#include <iterator>
#include <ostream>
#include <string_view>
#include <utility>

namespace poise::app {

namespace {

// A YAML double-quoted scalar: no byte of an argument can become syntax.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string quoted_list(const std::vector<std::string>& texts) {
    std::string list;
    for (const std::string& text : texts)
        list += (list.empty() ? "" : ", ") + quoted(text);
    return '[' + list + ']';
}

void replace(std::string& text, std::string_view what, std::string_view with) {
    if (const auto at = text.find(what); at != std::string::npos)
        text.replace(at, what.size(), with);
}

// Every listener speaks TLS, or none does.
std::string listen_rows(const ProxyOptions& options) {
    if (options.tls_cert.empty()) return quoted_list(options.listen);
    std::string rows;
    for (const std::string& address : options.listen)
        rows +=
            fmt::format("{}{{address: {}, tls: true}}", rows.empty() ? "" : ", ", quoted(address));
    return '[' + rows + ']';
}

std::string certificate_row(const ProxyOptions& options) {
    if (options.tls_cert.empty()) return {};
    const std::string key =
        options.tls_key.empty() ? "" : fmt::format(", key: {}", quoted(options.tls_key));
    return fmt::format("certificates: [{{cert: {}{}}}]\n", quoted(options.tls_cert), key);
}

std::string_view protocol_of(const ProxyOptions& options) {
    if (options.udp) return "udp";
    return options.tcp ? "tcp" : "http";
}

// In the words of the command line.
std::string option_error(const config::Diagnostic& found) {
    std::string text = found.message;
    replace(text, "'listen'", "--listen");
    replace(text, "'servers'", "--to");
    replace(text, "'cert'", "--tls-cert");
    replace(text, "'key'", "--tls-key");
    return found.hint.empty() ? text : fmt::format("{}; {}", text, found.hint);
}

}  // namespace

std::string proxy_yaml(const ProxyOptions& options) {
    return fmt::format("{}services:\n  proxy:\n    protocol: {}\n    listen: {}\n    servers: {}\n",
                       certificate_row(options), protocol_of(options), listen_rows(options),
                       quoted_list(options.to));
}

int run_proxy(const ProxyOptions& options, Terminal& terminal) {
    if (options.tls_cert.empty() && !options.tls_key.empty()) {
        terminal.fail("--tls-key is the key of what --tls-cert names: give both");
        return exit_usage;
    }
    auto parsed = config::parse_config(proxy_yaml(options), "command line");
    if (!parsed) {
        // Lines and columns of a text that the user never saw would only confuse.
        for (const auto& found : parsed.error())
            terminal.err << "poise proxy: " << option_error(found) << '\n';
        terminal.err << "`poise proxy --help` tells what it takes\n";
        return exit_usage;
    }
    config::Node node;
    node.workers = options.workers;
    if (options.access_log) node.access_log = config::AccessLog::all;
    return serve_until_stopped({.config = std::move(*parsed),
                                .node = std::move(node),
                                .config_path = "",
                                .control_path = options.control},
                               terminal);
}

}  // namespace poise::app
