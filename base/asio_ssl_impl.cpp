// Boost.Asio's TLS code, compiled once; used by the TLS health probe.
#include <boost/asio/ssl/impl/src.hpp>
