// A throw-away certificate authority and the certificates that it issues, made in the process with OpenSSL.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/types.h>

namespace fpt_webhooks::cli {

// A certificate and its key, as PEM texts. What is none of the kind in such a text is skipped, so that one text may be
// both.
struct Identity {
    std::string certificate_pem;
    std::string key_pem;
};

struct IdentityOptions {
    std::vector<std::string> dns_names = {};
    std::vector<std::string> addresses = {};  // IPv4 or IPv6
    bool expired = false;                     // valid from two days to one day ago; else from an hour ago for 30 days
};

// P-256 keys: a handshake takes about a millisecond. Throws std::runtime_error when OpenSSL fails.
class CertificateAuthority {
  public:
    CertificateAuthority();
    ~CertificateAuthority();
    CertificateAuthority(const CertificateAuthority&) = delete;
    CertificateAuthority& operator=(const CertificateAuthority&) = delete;

    [[nodiscard]] const std::string& certificate_pem() const noexcept;
    [[nodiscard]] Identity issue(const IdentityOptions& options) const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

// Signed by itself: no authority vouches for it.
[[nodiscard]] Identity self_signed(const IdentityOptions& options);

// A server then shows this certificate; further ones in the text go along, as the way to its authority. Never asks for
// a passphrase. What is wrong, in words; "": nothing.
[[nodiscard]] std::string use_identity(SSL_CTX& context, const Identity& identity);

// Has its (first) certificate ended, by the system's clock? Not if it holds none.
[[nodiscard]] bool is_expired(const Identity& identity);

}  // namespace fpt_webhooks::cli
