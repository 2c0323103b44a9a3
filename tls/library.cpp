#include "tls/library.hpp"

#include "tls/stream.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include <new>
#include <stdexcept>
#include <utility>

namespace poise::tls {

namespace {

template <typename Object>
Owned<Object> checked(Object* made) {
    if (made == nullptr) throw std::bad_alloc();
    return Owned<Object>(made);
}

}  // namespace

Library::Library()
    : context_(checked(OSSL_LIB_CTX_new())),
      stream_method_(checked(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream"))),
      plain_(std::make_unique_for_overwrite<char[]>(plain_bytes)),
      sealed_(std::make_unique_for_overwrite<char[]>(sealed_bytes)) {
    BIO_METHOD* method = stream_method_.get();
    BIO_meth_set_read(method, [](BIO* bio, char* into, int bytes_max) {
        BIO_clear_retry_flags(bio);
        const int n = static_cast<TlsStream*>(BIO_get_data(bio))->give_sealed(into, bytes_max);
        if (n < 0) BIO_set_retry_read(bio);
        return n;
    });
    BIO_meth_set_write(method, [](BIO* bio, const char* from, int bytes) {
        BIO_clear_retry_flags(bio);
        return static_cast<TlsStream*>(BIO_get_data(bio))->take_sealed(from, bytes);
    });
    BIO_meth_set_ctrl(method, [](BIO* bio, int command, long, void*) -> long {
        if (command == BIO_CTRL_FLUSH) return 1;
        if (command == BIO_CTRL_EOF) return static_cast<TlsStream*>(BIO_get_data(bio))->at_end();
        return 0;
    });
    BIO_meth_set_create(method, [](BIO* bio) {
        BIO_set_init(bio, 1);
        return 1;
    });
}

Library::~Library() = default;

x509_store_st* Library::system_trust() const {
    if (system_trust_) return system_trust_.get();
    auto store = checked(X509_STORE_new());
    if (X509_STORE_set_default_paths_ex(store.get(), context_.get(), nullptr) != 1)
        throw std::runtime_error("the system's authorities: " + take_openssl_error());
    system_trust_ = std::move(store);
    return system_trust_.get();
}

}  // namespace poise::tls
