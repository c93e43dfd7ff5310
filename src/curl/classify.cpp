#include "curl/classify.hpp"

#include <cerrno>
#include <string>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

// Nothing went out that the peer could have acted on.
Error before_request(CURLcode code, const Progress& progress) {
    switch (code) {
        case CURLE_OPERATION_TIMEDOUT: return Error(Errc::timed_out, "no connection was ready within the time limit");
        case CURLE_COULDNT_RESOLVE_HOST: return Error(Errc::local_failure, "the pinned addresses were not found");
        case CURLE_COULDNT_CONNECT:
            switch (progress.connect_errno) {
                case ENETUNREACH:
                case ENETDOWN: return Error(Errc::local_failure, "this machine has no route to the address");
                case EADDRNOTAVAIL: return Error(Errc::local_failure, "this machine is out of ports or addresses");
                case EACCES:
                case EPERM: return Error(Errc::local_failure, "this machine's rules forbid the connection");
                default: return Error(Errc::connect_failed, "the peer refused or did not answer");
            }
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CIPHER:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
        case CURLE_SSL_CLIENTCERT: return Error(Errc::tls_failed, "the handshake did not succeed");
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
            return Error(Errc::certificate_rejected, "not issued for this host by a trusted authority, or out of date");
        case CURLE_SSL_CACERT_BADFILE: return Error(Errc::local_failure, "the CA file is missing or unusable");
        case CURLE_OUT_OF_MEMORY: return Error(Errc::local_failure, "no memory");
        default: return Error(Errc::local_failure, "libcurl result " + std::to_string(static_cast<int>(code)));
    }
}

// The request went out, as a whole or in part: whatever happened, the peer may have acted on it.
Error after_request(CURLcode code, const Progress& progress) {
    switch (code) {
        case CURLE_OPERATION_TIMEDOUT:
            if (progress.sends == 1 && !progress.body_sent) {
                return Error(Errc::timed_out, "the peer did not take the whole request within the time limit");
            }
            return Error(Errc::no_response, "no header section within the time limit");
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_HTTP2:
        case CURLE_WRITE_ERROR:
        case CURLE_BAD_CONTENT_ENCODING: return Error(Errc::bad_response, "the answer is not well-formed HTTP");
        case CURLE_OUT_OF_MEMORY:  // libcurl's word also for a header line that is too long for it
            return Error(Errc::bad_response, "a header line is too long, or no memory to hold it");
        default: return Error(Errc::no_response, "the connection ended before an answer");
    }
}

}  // namespace

Error classify(CURLcode code, const Progress& progress) {
    if (progress.response_refused) return Error(Errc::bad_response, "the header section exceeds a limit");
    if (code == CURLE_OK || progress.interim_only) {
        return Error(Errc::bad_response, "the answer ended without a final status");
    }
    if (progress.sends > 0) return after_request(code, progress);
    if (progress.socket_errno != 0) {
        return Error(Errc::local_failure, "no socket: system error " + std::to_string(progress.socket_errno));
    }
    if (progress.proxied && code != CURLE_OPERATION_TIMEDOUT && code != CURLE_SSL_CONNECT_ERROR &&
        code != CURLE_PEER_FAILED_VERIFICATION) {
        return Error(Errc::local_failure, "the proxy did not connect");
    }
    return before_request(code, progress);
}

}  // namespace fpt_webhooks::inline v0_1::detail
