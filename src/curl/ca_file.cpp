#include "curl/ca_file.hpp"

#include <curl/curl.h>

#include <fstream>
#include <string_view>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

// A bundle begins with at most some comments; without this bound a device or a disk image would be read to its end.
constexpr std::size_t ca_file_bytes_max = std::size_t{64} << 20;

bool opens_certificate(std::string_view line) noexcept {
    return line.starts_with("-----BEGIN CERTIFICATE-----") || line.starts_with("-----BEGIN X509 CERTIFICATE-----") ||
           line.starts_with("-----BEGIN TRUSTED CERTIFICATE-----");
}

bool holds_certificate(std::ifstream& file) {
    std::string line;
    bool open = false;
    for (std::size_t read = 0; read < ca_file_bytes_max && std::getline(file, line); read += line.size() + 1) {
        if (open && line.starts_with("-----END ")) return true;
        open = open || opens_certificate(line);
    }
    return false;
}

}  // namespace

Result<std::string> find_ca_file(const std::string& given) {
    std::string path = given;
    std::string whose = "ca_file";
    if (path.empty()) {
        whose = "ca_file (the system's bundle)";
        const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
        if (info->cainfo == nullptr) {
            return Error(Errc::invalid_argument, "ca_file: this libcurl knows no system bundle; name a file");
        }
        path = info->cainfo;
    }
    std::ifstream file(path);
    if (!file) return Error(Errc::invalid_argument, whose + ": cannot be read: " + path);
    if (!holds_certificate(file)) return Error(Errc::invalid_argument, whose + ": holds no certificate: " + path);
    return path;
}

}  // namespace fpt_webhooks::inline v0_1::detail
