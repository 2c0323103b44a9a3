// One stream of an HTTP/2 connection: a request and its response.
#pragma once

#include "proxy/buffer.hpp"
#include "proxy/message_stream.hpp"

#include <boost/intrusive/list.hpp>

#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poise::proxy {

class Http2Connection;
class Http2Memory;

/// Made by its connection, owned by who serves or asks; destroying it before its end resets it.
/// It holds at most its window of what the peer has sent, and nothing of what goes out: that is
/// copied into the connection's output, or waits at its source. Outlives its connection broken.
class Http2Stream final : public MessageStream,
                          public boost::intrusive::list_base_hook<
                              boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    using Queue = boost::intrusive::list_member_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

    Http2Stream(Engine& engine, BufferPool& buffers, Http2Connection& connection, std::int32_t id);
    ~Http2Stream() override;
    /// Its memory goes back to where Http2Connection took it.
    static void operator delete(Http2Stream* stream, std::destroying_delete_t);

    IoResult try_read(std::span<char> into) override;
    IoResult try_write(std::span<const iovec> pieces) override;
    bool quiet() override { return !closed_ && in_.empty() && !receive_ended_; }
    void shutdown_send() noexcept override;
    void reset_on_close() noexcept override { cut_ = true; }

    FieldBlock* head() override;
    void drop_head() override;
    std::string_view trailers() const override { return trailers_; }
    void send_head(const OutgoingHead& head) override;
    IoResult try_write_last(std::span<const iovec> pieces, std::string_view trailers) override;
    Extension extended_connect() const override;
    Reason fault() const override { return fault_; }
    bool unprocessed() const override { return unprocessed_; }
    void reject_on_close() noexcept override { rejected_ = true; }

    /// For nghttp2: how many bytes of what is being written go into the next frame, at most
    /// `most`, and its flags. Negative: a code of nghttp2.
    std::int64_t give(std::size_t most, std::uint32_t& flags);

    Queue queue;  // of those who wait for room in the connection's output

private:
    friend class Http2Connection;
    friend struct Http2Events;
    IoResult write(std::span<const iovec> pieces, bool last, std::string_view trailers);
    void receive_head(FieldBlock& block);
    void receive_trailers(const FieldBlock& block);
    void receive(std::string_view bytes);
    void receive_end();
    void fail(Reason reason);  // the peer's message is malformed
    void close(std::uint32_t error_code);
    void lose();  // the connection is gone

    Http2Memory& memory_;
    Http2Connection* connection_;          // null: gone
    std::int32_t id_;                      // -1: the head was not sent yet
    FieldBlock head_;                      // with has_head_
    std::vector<FieldBlock> later_heads_;  // behind a 1xx one that was not used yet
    std::string trailers_;
    Buffer in_;
    std::span<const iovec> pieces_;  // while they are being written
    std::size_t total_ = 0;          // of their bytes
    std::size_t written_ = 0;        // of their bytes
    std::string_view trailers_out_;
    std::uint64_t received_ = 0;
    std::int64_t length_ = -1;  // the peer's Content-Length; -1: none
    Reason fault_ = Reason::none;
    bool has_head_ = false;
    bool final_head_ = false;  // what comes next in fields are trailers
    bool head_sent_ = false;
    bool receive_ended_ = false;
    bool ending_ = false;  // pieces_ are the last of the message
    bool send_ended_ = false;
    bool closed_ = false;  // as the connection sees it
    bool called_ = false;  // its turn to write has come
    bool cut_ = false;
    bool rejected_ = false;
    bool unprocessed_ = false;
    bool bodiless_ = false;  // the response has no body, whatever its length says
};

}  // namespace poise::proxy
