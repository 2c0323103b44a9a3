// A client's end of TLS whose sealed bytes the caller carries, in and out.
#pragma once

#include "tls/openssl.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace poise::pool {

/// For short conversations on the control thread. What output() gives is to be sent after each
/// step, also after one that failed: the alert tells the server why.
class TlsClient {
public:
    /// `session` is fresh.
    explicit TlsClient(tls::Owned<ssl_st> session);

    enum class Step : std::uint8_t { done, wants_more, ended, failed };

    /// Goes on with the handshake as far as it can.
    Step handshake();
    /// Appends what has been opened to `text`; done: there was something. ended: the server has
    /// said goodbye.
    Step read(std::string& text);
    /// After the handshake. False when it failed.
    bool write(std::string_view text);
    /// Says goodbye, so that the server logs no broken connection.
    void close();

    void input(std::string_view sealed);
    std::string output();
    /// Why a step has failed: "certificate refused: certificate has expired".
    const std::string& error() const { return error_; }

private:
    Step failed(int returned, std::string_view doing);

    tls::Owned<ssl_st> session_;
    bio_st* in_ = nullptr;   // owned by the session, as the next
    bio_st* out_ = nullptr;  // sealed, to be sent
    std::string error_;
};

}  // namespace poise::pool
