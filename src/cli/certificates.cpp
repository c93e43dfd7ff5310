#include "cli/certificates.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <stdexcept>
#include <utility>

namespace fpt_webhooks::cli {
namespace {

constexpr long hour = 3600;
constexpr long day = 24 * hour;
constexpr long lifetime = 30 * day;

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using Memory = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

void require(bool good, const char* what) {
    if (!good) throw std::runtime_error(std::string("OpenSSL failed: ") + what);
}

int no_passphrase(char*, int, int, void*) { return -1; }

Key make_key() {
    Key key(EVP_EC_gen("P-256"));
    require(key != nullptr, "make a key");
    return key;
}

std::string pem_of(X509* certificate) {
    const Memory memory(BIO_new(BIO_s_mem()));
    require(memory && PEM_write_bio_X509(memory.get(), certificate) == 1, "write a certificate");
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(EVP_PKEY* key) {
    const Memory memory(BIO_new(BIO_s_mem()));
    require(memory && PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
            "write a key");
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "extend a certificate");
}

// Everything but names and signature.
Certificate make_blank(EVP_PKEY* key, bool expired) {
    Certificate certificate(X509_new());
    require(certificate != nullptr, "make a certificate");
    std::uint64_t serial = 0;
    require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) == 1, "make a serial number");
    require(X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(certificate.get()), expired ? -2 * day : -hour) != nullptr &&
                X509_gmtime_adj(X509_getm_notAfter(certificate.get()), expired ? -day : lifetime) != nullptr &&
                X509_set_pubkey(certificate.get(), key) == 1,
            "fill a certificate");
    return certificate;
}

void set_common_name(X509* certificate, const char* name) {
    require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(name), -1, -1, 0) == 1,
            "name a certificate");
}

Identity make_identity(const IdentityOptions& options, X509* issuer, EVP_PKEY* issuer_key) {
    const Key key = make_key();
    const Certificate certificate = make_blank(key.get(), options.expired);
    set_common_name(certificate.get(), "fpt_webhooks throw-away endpoint");
    X509* const signer = issuer != nullptr ? issuer : certificate.get();
    require(X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) == 1, "set the issuer");
    std::string names;
    for (const std::string& name : options.dns_names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
    for (const std::string& address : options.addresses) names += (names.empty() ? "IP:" : ",IP:") + address;
    if (!names.empty()) extend(certificate.get(), signer, NID_subject_alt_name, names);
    extend(certificate.get(), signer, NID_ext_key_usage, "serverAuth");
    require(X509_sign(certificate.get(), issuer_key != nullptr ? issuer_key : key.get(), EVP_sha256()) > 0,
            "sign a certificate");
    return {pem_of(certificate.get()), pem_of(key.get())};
}

}  // namespace

struct CertificateAuthority::Parts {
    Key key;
    Certificate certificate;
    std::string pem;
};

CertificateAuthority::CertificateAuthority() : parts_(std::make_unique<Parts>()) {
    parts_->key = make_key();
    parts_->certificate = make_blank(parts_->key.get(), false);
    X509* const certificate = parts_->certificate.get();
    // Two authorities of one name would confuse who looks up an issuer by its name.
    std::uint64_t serial = 0;
    require(ASN1_INTEGER_get_uint64(&serial, X509_get0_serialNumber(certificate)) == 1, "read a serial number");
    set_common_name(certificate, ("fpt_webhooks throw-away authority " + std::to_string(serial)).c_str());
    require(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1, "set the issuer");
    extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    require(X509_sign(certificate, parts_->key.get(), EVP_sha256()) > 0, "sign a certificate");
    parts_->pem = pem_of(certificate);
}

CertificateAuthority::~CertificateAuthority() = default;

const std::string& CertificateAuthority::certificate_pem() const noexcept { return parts_->pem; }

Identity CertificateAuthority::issue(const IdentityOptions& options) const {
    return make_identity(options, parts_->certificate.get(), parts_->key.get());
}

Identity self_signed(const IdentityOptions& options) { return make_identity(options, nullptr, nullptr); }

std::string use_identity(SSL_CTX& context, const Identity& identity) {
    const Memory certificates(BIO_new_mem_buf(identity.certificate_pem.data(), -1));
    const Memory keys(BIO_new_mem_buf(identity.key_pem.data(), -1));
    require(certificates && keys, "read from memory");
    const Certificate own(PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr));
    if (!own || SSL_CTX_use_certificate(&context, own.get()) != 1) return "holds no certificate";
    while (const Certificate next{PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr)}) {
        require(SSL_CTX_add1_chain_cert(&context, next.get()) == 1, "add a certificate");
    }
    const Key key(PEM_read_bio_PrivateKey(keys.get(), nullptr, no_passphrase, nullptr));
    if (!key) return "holds no key, or an encrypted one";
    if (SSL_CTX_use_PrivateKey(&context, key.get()) != 1) return "holds a key of another certificate";
    ERR_clear_error();  // the end of the text leaves one
    return "";
}

bool is_expired(const Identity& identity) {
    const Memory certificates(BIO_new_mem_buf(identity.certificate_pem.data(), -1));
    require(certificates != nullptr, "read from memory");
    const Certificate own(PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr));
    return own && X509_cmp_current_time(X509_get0_notAfter(own.get())) < 0;
}

}  // namespace fpt_webhooks::cli
