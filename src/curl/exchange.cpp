#include "curl/exchange.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "curl/address.hpp"
#include "curl/classify.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

// Of a response's header section so many fields are kept, the first ones; 64 KiB could hold 16,000.
constexpr std::size_t response_fields_max = 256;

// From this size on libcurl asks the peer to agree first (Expect: 100-continue), which webhook endpoints rarely know.
constexpr std::size_t expect_body_bytes = std::size_t{1} << 20;

// A changed CA file takes effect within this time; parsing one costs 24 ms, so an hour makes it free.
constexpr long ca_cache_seconds = 3600;

template <class Value>
bool set(CURL* easy, CURLoption option, Value value) noexcept {
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

// RFC 9110 section 5.5: control bytes in a value are refused or become spaces. A peer that answers 2xx has accepted the
// event, so they become spaces.
std::string harmless(std::string_view value) {
    std::string text(value);
    for (char& c : text) {
        if ((c >= '\0' && c < ' ' && c != '\t') || c == '\x7f') c = ' ';
    }
    return text;
}

bool is_status_line(std::string_view line) noexcept { return line.starts_with("HTTP/"); }

// "HTTP/1.1 200 OK", "HTTP/2 200 ": the three digits after the first space; 0 if there are none.
int status_of(std::string_view line) noexcept {
    const auto space = line.find(' ');
    if (space == std::string_view::npos || line.size() < space + 4) return 0;
    int status = 0;
    for (const char c : line.substr(space + 1, 3)) {
        if (c < '0' || c > '9') return 0;
        status = status * 10 + (c - '0');
    }
    return status;
}

std::chrono::microseconds time_of(CURL* easy, CURLINFO info) noexcept {
    curl_off_t time = 0;
    curl_easy_getinfo(easy, info, &time);
    return std::chrono::microseconds(time);
}

long number_of(CURL* easy, CURLINFO info) noexcept {
    long number = 0;
    curl_easy_getinfo(easy, info, &number);
    return number;
}

}  // namespace

// What libcurl calls. Nothing may be thrown through its frames.
struct Exchange::Callbacks {
    static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address) noexcept {
        if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
        try {
            return static_cast<Exchange*>(self)->open_socket(*address);
        } catch (...) {
            static_cast<Exchange*>(self)->socket_errno_ = ENOMEM;
            return CURL_SOCKET_BAD;
        }
    }

    static int close_socket(void* poller, curl_socket_t socket) noexcept {
        static_cast<Poller*>(poller)->forget(socket);
        return close(socket);
    }

    static int before_request(void* self, char* remote, char*, int, int) noexcept {
        try {
            return static_cast<Exchange*>(self)->allow_request(remote) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
        } catch (...) {
            static_cast<Exchange*>(self)->socket_errno_ = ENOMEM;
            return CURL_PREREQFUNC_ABORT;
        }
    }

    // Called for names only when the pin is missing: libcurl must never resolve by itself.
    static int before_resolve(void*, void*, void* self) noexcept {
        const Exchange& exchange = *static_cast<Exchange*>(self);
        return exchange.proxied_ || exchange.target_->url.address() ? 0 : 1;
    }

    static std::size_t header(char* data, std::size_t size, std::size_t count, void* self) noexcept {
        try {
            return static_cast<Exchange*>(self)->take_header_line({data, size * count}) ? size * count : 0;
        } catch (...) {
            static_cast<Exchange*>(self)->response_refused_ = true;
            return 0;
        }
    }

    static std::size_t body(char* data, std::size_t size, std::size_t count, void* self) noexcept {
        try {
            return static_cast<Exchange*>(self)->take_body({data, size * count}) ? size * count : CURL_WRITEFUNC_ERROR;
        } catch (...) {
            static_cast<Exchange*>(self)->cut_ = true;
            return CURL_WRITEFUNC_ERROR;
        }
    }
};

Exchange::Exchange(CURL* easy, const ExchangeSettings& settings, Poller& poller) noexcept
    : easy_(easy), parsed_url_(curl_url()), poller_(poller), proxied_(!settings.proxy.empty()) {}

Exchange::~Exchange() { curl_easy_cleanup(easy_); }

Result<std::unique_ptr<Exchange>> Exchange::create(const ExchangeSettings& settings, Poller& poller) {
    CURL* easy = curl_easy_init();
    if (easy == nullptr) return Error(Errc::local_failure, "no memory for a libcurl handle");
    std::unique_ptr<Exchange> exchange(new Exchange(easy, settings, poller));
    if (!exchange->set_constants(settings)) return Error(Errc::local_failure, "libcurl refused a setting");
    return exchange;
}

bool Exchange::set_constants(const ExchangeSettings& settings) {
    CURL* const easy = easy_;
    const bool dialling =
        // "" and not null: null would ask the environment
        set(easy, CURLOPT_PROXY, settings.proxy.c_str()) && set(easy, CURLOPT_NOPROXY, "") &&
        set(easy, CURLOPT_HTTPPROXYTUNNEL, proxied_ ? 1L : 0L) && set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) &&
        set(easy, CURLOPT_PROTOCOLS_STR, "http,https") && set(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https") &&
        set(easy, CURLOPT_FOLLOWLOCATION, 0L) && set(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) &&
        set(easy, CURLOPT_PATH_AS_IS, 1L) && set(easy, CURLOPT_NOSIGNAL, 1L) && set(easy, CURLOPT_QUICK_EXIT, 1L) &&
        set(easy, CURLOPT_RESOLVER_START_FUNCTION, Callbacks::before_resolve) &&
        set(easy, CURLOPT_RESOLVER_START_DATA, this) && set(easy, CURLOPT_OPENSOCKETFUNCTION, Callbacks::open_socket) &&
        set(easy, CURLOPT_OPENSOCKETDATA, this) && set(easy, CURLOPT_CLOSESOCKETFUNCTION, Callbacks::close_socket) &&
        set(easy, CURLOPT_CLOSESOCKETDATA, &poller_) && set(easy, CURLOPT_PREREQFUNCTION, Callbacks::before_request) &&
        set(easy, CURLOPT_PREREQDATA, this);
    const bool security = set(easy, CURLOPT_SSL_VERIFYPEER, 1L) && set(easy, CURLOPT_SSL_VERIFYHOST, 2L) &&
                          set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) &&
                          set(easy, CURLOPT_CAINFO, settings.ca_file.c_str()) &&
                          // a CA folder, libcurl's default on Debian, would switch its cache of parsed authorities off
                          set(easy, CURLOPT_CAPATH, static_cast<char*>(nullptr)) &&
                          set(easy, CURLOPT_CA_CACHE_TIMEOUT, ca_cache_seconds);
    return dialling && security &&
           set(easy, CURLOPT_HTTP_VERSION,
               static_cast<long>(settings.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)) &&
           set(easy, CURLOPT_HEADERFUNCTION, Callbacks::header) && set(easy, CURLOPT_HEADERDATA, this) &&
           set(easy, CURLOPT_WRITEFUNCTION, Callbacks::body) && set(easy, CURLOPT_WRITEDATA, this) &&
           set(easy, CURLOPT_POST, 1L);
}

bool Exchange::set_target(const Target& target) {
    constexpr unsigned flags = CURLU_PATH_AS_IS | CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME;
    if (url_set_ == target.canonical) return true;
    url_set_.clear();
    const char* const text = target.canonical.c_str();
    if (!parsed_url_ || curl_url_set(parsed_url_.get(), CURLUPART_URL, text, flags) != CURLUE_OK) return false;
    // The text too: libcurl keeps it beside the parsed form, and must not keep that of the last target.
    if (!set(easy_, CURLOPT_URL, text) || !set(easy_, CURLOPT_CURLU, parsed_url_.get())) return false;
    url_set_ = target.canonical;
    return true;
}

bool Exchange::set_method(const std::string& method) {
    if (method_set_ == method) return true;
    method_set_.clear();
    const char* custom = method == "POST" ? nullptr : method.c_str();
    if (!set(easy_, CURLOPT_CUSTOMREQUEST, custom)) return false;
    method_set_ = method;
    return true;
}

bool Exchange::set_limits(TimeLimits limits) {
    if (limits.total != limits_set_.total) {
        if (!set(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total.count()))) return false;
        limits_set_.total = limits.total;
    }
    if (limits.connect != limits_set_.connect) {
        if (!set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()))) return false;
        limits_set_.connect = limits.connect;
    }
    return true;
}

bool Exchange::set_pins(std::vector<std::string> pins) {
    if (pins.empty() && !pins_set_) return true;
    pin_text_ = std::move(pins);
    pin_nodes_.assign(pin_text_.size(), curl_slist{});
    for (std::size_t i = 0; i < pin_text_.size(); ++i) {
        pin_nodes_[i] = {.data = pin_text_[i].data(), .next = i + 1 < pin_text_.size() ? &pin_nodes_[i + 1] : nullptr};
    }
    pins_set_ = !pin_text_.empty();
    return set(easy_, CURLOPT_RESOLVE, pins_set_ ? pin_nodes_.data() : nullptr);
}

// The request's own headers and no others: "Name:" tells libcurl to leave its own away, "Name;" means an empty value.
void Exchange::write_header_lines(const HttpRequest& request) {
    header_text_.clear();
    header_starts_.clear();
    const auto add = [this](std::string_view name, std::string_view separator, std::string_view value) {
        header_starts_.push_back(header_text_.size());
        header_text_.append(name).append(separator).append(value).push_back('\0');
    };
    bool has_type = false;
    bool has_accept = false;
    for (const Headers::Field& field : request.headers) {
        has_type = has_type || equals_ignoring_case(field.name, "Content-Type");
        has_accept = has_accept || equals_ignoring_case(field.name, "Accept");
        const std::string_view value = trimmed(field.value);
        add(field.name, value.empty() ? ";" : ": ", value);
    }
    if (!has_type) add("Content-Type", ":", "");
    if (!has_accept) add("Accept", ":", "");
    if (request.body.size() >= expect_body_bytes) add("Expect", ":", "");

    header_nodes_.resize(header_starts_.size());
    for (std::size_t i = 0; i < header_nodes_.size(); ++i) {
        header_nodes_[i] = {.data = header_text_.data() + header_starts_[i],
                            .next = i + 1 < header_nodes_.size() ? &header_nodes_[i + 1] : nullptr};
    }
}

bool Exchange::begin(const Target& target, const HttpRequest& request, TimeLimits limits,
                     std::vector<std::string> pins) {
    target_ = &target;
    body_bytes_ = request.body.size();
    refusal_.reset();
    remote_.reset();
    dials_ = sends_ = 0;
    socket_errno_ = status_ = 0;
    final_ = response_refused_ = cut_ = false;
    header_bytes_ = body_read_ = 0;
    headers_ = {};
    body_ = {};
    write_header_lines(request);
    return set_target(target) && set_method(request.method) && set_limits(limits) && set_pins(std::move(pins)) &&
           set(easy_, CURLOPT_POSTFIELDS, request.body.data()) &&
           set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size())) &&
           set(easy_, CURLOPT_HTTPHEADER, header_nodes_.data());
}

curl_socket_t Exchange::open_socket(const curl_sockaddr& address) {
    if (!proxied_) {
        const auto remote = address_of(address.addr, address.addrlen);
        if (!remote) return CURL_SOCKET_BAD;
        remote_ = remote;
        if (auto allowed = target_->policy->check_address(target_->url, *remote); !allowed) {
            refusal_ = std::move(allowed).error();
            return CURL_SOCKET_BAD;
        }
    }
    const int socket = ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
    if (socket < 0) {
        if (dials_ == 0) socket_errno_ = errno;
        return CURL_SOCKET_BAD;
    }
    ++dials_;
    socket_errno_ = 0;  // a family that this machine lacks is no cause once another address was dialled
    try {
        poller_.greet(socket);
    } catch (...) {
        close(socket);
        throw;
    }
    return socket;
}

// One address refused refuses the attempt, though libcurl may have reached another one meanwhile.
bool Exchange::allow_request(const char* remote_text) {
    if (refusal_) return false;
    if (!proxied_) {
        const bool known = verdict_.policy == target_->policy && verdict_.url == target_->canonical &&
                           verdict_.remote_text == remote_text;
        if (!known) {
            auto remote = IpAddress::parse(remote_text);
            if (!remote) {
                refusal_ = Error(Errc::refused_by_policy, "the connection's address is not known");
                return false;
            }
            remote_ = *remote;
            if (auto allowed = target_->policy->check_address(target_->url, *remote); !allowed) {
                refusal_ = std::move(allowed).error();
                return false;
            }
            verdict_ = {target_->policy, target_->canonical, remote_text, *remote};
        }
        remote_ = verdict_.remote;
    }
    ++sends_;
    return true;
}

bool Exchange::take_header_line(std::string_view line) {
    if (final_) return true;  // trailers
    header_bytes_ += line.size();
    if (header_bytes_ > response_header_bytes_max) {
        response_refused_ = true;
        return false;
    }
    if (is_status_line(line)) {
        status_ = status_of(line);
        headers_ = {};
        return true;
    }
    const std::string_view text = trimmed(line);
    if (text.empty()) {
        final_ = status_ >= 200;
        return true;
    }
    if (line.front() == ' ' || line.front() == '\t') return true;  // the obsolete continuation of the line before
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || !check_header(text.substr(0, colon), {})) return true;
    if (headers_.size() == response_fields_max) return true;
    headers_.add(std::string(text.substr(0, colon)), harmless(trimmed(text.substr(colon + 1))));
    return true;
}

bool Exchange::take_body(std::string_view chunk) {
    if (!final_) return false;
    body_.append(chunk.substr(0, response_bytes_kept_max - std::min(response_bytes_kept_max, body_.size())));
    body_read_ += chunk.size();
    cut_ = body_read_ > response_bytes_read_max;
    return !cut_;
}

Error Exchange::failure(CURLcode code) {
    if (refusal_ && sends_ == 0) return *std::move(refusal_);
    curl_off_t uploaded = 0;
    curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    return classify(code, {.sends = sends_,
                           .body_sent = uploaded >= static_cast<curl_off_t>(body_bytes_),
                           .interim_only = code == CURLE_WRITE_ERROR && !final_ && status_ != 0,
                           .response_refused = response_refused_,
                           .proxied = proxied_,
                           .socket_errno = socket_errno_,
                           .connect_errno = dials_ == 1 ? static_cast<int>(number_of(easy_, CURLINFO_OS_ERRNO)) : 0});
}

TransportTimings Exchange::timings(bool reused) {
    TransportTimings times;
    if (!reused) {
        times.connected = time_of(easy_, CURLINFO_CONNECT_TIME_T);
        times.secured = time_of(easy_, CURLINFO_APPCONNECT_TIME_T);
    }
    if (status_ != 0) times.first_byte = time_of(easy_, CURLINFO_STARTTRANSFER_TIME_T);
    return times;
}

TransportOutcome Exchange::finish(CURLcode code) {
    const bool reused = sends_ > 0 && number_of(easy_, CURLINFO_NUM_CONNECTS) == 0;
    TransportOutcome outcome{.response = HttpResponse{}};
    if (final_) {
        HttpResponse& response = outcome.response.value();
        response.status = status_;
        response.headers = std::move(headers_);
        response.body = std::move(body_);
        outcome.response_cut = cut_ || code != CURLE_OK;
    } else {
        outcome.response = failure(code);
    }
    outcome.connection_reused = reused;
    outcome.remote = remote_;
    outcome.timings = timings(reused);
    target_ = nullptr;
    return outcome;
}

}  // namespace fpt_webhooks::inline v0_1::detail
