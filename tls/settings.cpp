#include "tls/settings.hpp"

#include "tls/context.hpp"

#include <stdexcept>
#include <utility>

namespace poise::tls {

namespace {

// Fills `pem` with the file at `path`, when there is one.
std::expected<void, Problem> read_optional(const std::string& path, std::string_view what,
                                           std::string& pem) {
    if (path.empty()) return {};
    auto text = read_pem_file(path, what);
    if (!text) return std::unexpected(text.error());
    pem = std::move(*text);
    return {};
}

// What OpenSSL would refuse is refused now, when somebody is there to read why.
std::expected<void, Problem> try_out(config::TlsVersion min_version, const std::string& ciphers,
                                     const std::string& ca_pem, const std::string& crl_pem,
                                     const std::string& ca_file) {
    try {
        const Library library;
        const auto context = make_context(library, true, min_version, ciphers);
        if (!ca_pem.empty()) trust(context.get(), library, ca_pem, crl_pem);
        return {};
    } catch (const std::runtime_error& error) {
        std::string where = ca_file.empty() ? "" : " (in '" + ca_file + "')";
        return std::unexpected(
            Problem{error.what() + std::move(where),
                    ca_file.empty() ? "`openssl ciphers -v 'LIST'` shows what a list stands for"
                                    : "expected PEM: -----BEGIN CERTIFICATE-----"});
    }
}

}  // namespace

std::expected<ServerSettings, Problem> load_server_settings(const config::ListenTls& listen,
                                                            std::vector<std::string> protocols) {
    ServerSettings settings;
    settings.min_version = listen.min_version;
    settings.ciphers = listen.ciphers;
    settings.protocols = std::move(protocols);
    settings.client_certificate = listen.client_certificate;
    if (auto read = read_optional(listen.client_ca, "client_ca", settings.client_ca_pem); !read)
        return std::unexpected(read.error());
    if (auto read = read_optional(listen.client_crl, "client_crl", settings.client_crl_pem); !read)
        return std::unexpected(read.error());
    if (auto good = try_out(settings.min_version, settings.ciphers, settings.client_ca_pem,
                            settings.client_crl_pem, listen.client_ca);
        !good)
        return std::unexpected(good.error());
    return settings;
}

std::expected<ClientSettings, Problem> load_client_settings(const config::ServerTls& servers,
                                                            std::vector<std::string> protocols) {
    ClientSettings settings;
    settings.min_version = servers.min_version;
    settings.verify = servers.verify;
    settings.protocols = std::move(protocols);
    if (auto read = read_optional(servers.ca, "ca", settings.ca_pem); !read)
        return std::unexpected(read.error());
    if (auto good = try_out(settings.min_version, "", settings.ca_pem, "", servers.ca); !good)
        return std::unexpected(good.error());
    if (!servers.cert.empty()) {
        auto certificate =
            Certificate::load(servers.cert, servers.key.empty() ? servers.cert : servers.key);
        if (!certificate) return std::unexpected(certificate.error());
        settings.certificate = std::move(*certificate);
    }
    return settings;
}

}  // namespace poise::tls
