// A throw-away certificate authority and the certificates that it issues, made in the process with OpenSSL.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fpt_webhooks::test {

// A certificate and its key, as PEM texts.
struct Identity {
    std::string certificate_pem;
    std::string key_pem;
};

struct IdentityOptions {
    std::vector<std::string> dns_names = {};
    std::vector<std::string> addresses = {};  // IPv4 or IPv6
    bool expired = false;                     // valid from two days to one day ago; else from an hour ago for a day
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

// A file that lives as long as the object, readable by its owner only.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::string_view content);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

  private:
    std::string path_;
};

}  // namespace fpt_webhooks::test
