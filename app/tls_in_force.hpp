// The workers' TLS contexts for each configuration: certificates, ticket keys, libraries.
#pragma once

#include "app/file_watch.hpp"
#include "app/ocsp_keeper.hpp"
#include "base/log.hpp"
#include "config/model.hpp"
#include "tls/contexts.hpp"
#include "tls/ticket_keys.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace poise::app {

struct CertificateStatus;

/// Control thread.
class TlsInForce {
public:
    using Contexts = std::vector<std::shared_ptr<tls::Contexts>>;  // by worker
    static constexpr std::chrono::hours tickets_rotate_after{8};
    static constexpr std::chrono::hours warned_again_after{24};

    /// `executor` is the control thread's; it runs on until nothing is running(). `log` outlives
    /// this.
    TlsInForce(boost::asio::any_io_executor executor, Log& log)
        : log_(log), stapling_(std::move(executor), log) {}

    /// Reads the files that `config` names and makes the contexts; empty when nobody speaks TLS.
    /// The error is a sentence; what is in force is then unchanged.
    std::expected<Contexts, std::string> prepare(const config::Config& config, unsigned workers);

    /// What prepare() has read is served from now on: warns of certificates that need a look.
    void published();

    /// What health checks of a service's servers shake hands with, by the service's place in what
    /// is served; null: with nothing. The control thread's own.
    std::shared_ptr<tls::ClientContext> checks(std::size_t service) const;

    /// To be called every few seconds: rotates the ticket keys, asks OCSP responders, warns again
    /// of certificates that expire.
    void look(std::chrono::steady_clock::time_point now);

    /// Likewise: the files of what is served that have changed since they were read, told once a
    /// change. Then prepare() may read them again.
    std::vector<std::string> changed_files(std::chrono::steady_clock::time_point now) {
        return files_.look(now);
    }

    /// What session tickets are sealed with, newest first; empty when nobody speaks TLS.
    tls::TicketKeys::Keys ticket_keys() const;
    /// The other node's of a pair; none: nothing changes.
    void adopt_ticket_keys(tls::TicketKeys::Keys keys);

    /// What is served, the one that expires first in front.
    std::vector<CertificateStatus> certificates() const;

    /// Asks no responder any more.
    void stop() { stapling_.stop(); }
    std::size_t running() const { return stapling_.running(); }

private:
    void prepare_stapling(const config::Config& config, tls::Settings& settings);
    void prepare_checks(const tls::Settings& settings);
    void warn_of_certificates() const;

    Log& log_;
    std::vector<std::shared_ptr<tls::Library>> libraries_;  // by worker; kept for good
    std::shared_ptr<tls::Library> checks_library_;
    std::shared_ptr<tls::TicketKeys> tickets_;
    std::shared_ptr<tls::Contexts> read_checks_;
    std::shared_ptr<tls::Contexts> checks_;
    /// A certificate, and whether its state is to be stapled.
    struct Served {
        std::shared_ptr<const tls::Certificate> certificate;
        bool stapling = false;
    };

    std::vector<Served> read_;
    std::vector<FileMark> read_marks_;
    OcspKeeper::Kept read_stapled_;
    std::vector<Served> served_;
    FileWatch files_;
    OcspKeeper stapling_;
    std::chrono::steady_clock::time_point rotated_{};
    std::chrono::steady_clock::time_point warned_{};
};

}  // namespace poise::app
