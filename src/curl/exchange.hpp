// One HTTP exchange on a libcurl easy handle that is kept for the next one.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fpt_webhooks/core/result.hpp>
#include <fpt_webhooks/sender/transport.hpp>

#include "curl/poller.hpp"

namespace fpt_webhooks::inline v0_1::detail {

// The same for all exchanges of a transport. `ca_file` is not empty.
struct ExchangeSettings {
    std::string ca_file;
    std::string proxy;
    bool http2 = true;
};

// Where an attempt goes, as judged before anything is resolved.
struct Target {
    std::string text;  // as the caller wrote it
    std::shared_ptr<const EndpointPolicy> policy;
    Url url;
    std::string canonical;  // what libcurl is given, so that its parser sees what ours accepted
};

struct TimeLimits {
    std::chrono::milliseconds total{};    // from now to the header section
    std::chrono::milliseconds connect{};  // from now to the end of the TLS handshake
};

// Owned by one thread at a time; the loop's, from begin() to finish().
class Exchange {
  public:
    // `poller` outlives every connection of the handle. Errors: local_failure.
    [[nodiscard]] static Result<std::unique_ptr<Exchange>> create(const ExchangeSettings& settings, Poller& poller);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    [[nodiscard]] CURL* handle() const noexcept { return easy_; }

    // Prepares the handle. `target` and `request` stay unchanged until finish(). `pins`: lines for libcurl's address
    // table, usually none. False: libcurl is out of memory.
    [[nodiscard]] bool begin(const Target& target, const HttpRequest& request, TimeLimits limits,
                             std::vector<std::string> pins);

    // The handle is out of the multi handle again: what came of it.
    [[nodiscard]] TransportOutcome finish(CURLcode code);

    // libcurl has read the lines that begin() was given.
    [[nodiscard]] bool pins_loaded() const noexcept { return dials_ > 0 || sends_ > 0; }

  private:
    Exchange(CURL* easy, const ExchangeSettings& settings, Poller& poller) noexcept;

    [[nodiscard]] bool set_constants(const ExchangeSettings& settings);
    [[nodiscard]] bool set_target(const Target& target);
    [[nodiscard]] bool set_method(const std::string& method);
    [[nodiscard]] bool set_limits(TimeLimits limits);
    [[nodiscard]] bool set_pins(std::vector<std::string> pins);
    void write_header_lines(const HttpRequest& request);

    [[nodiscard]] curl_socket_t open_socket(const curl_sockaddr& address);
    [[nodiscard]] bool allow_request(const char* remote_text);
    [[nodiscard]] bool take_header_line(std::string_view line);
    [[nodiscard]] bool take_body(std::string_view chunk);
    [[nodiscard]] Error failure(CURLcode code);
    [[nodiscard]] TransportTimings timings(bool reused);

    struct Callbacks;

    // The verdict on an address holds for the same policy, URL and address: kept connections ask for it each time.
    struct Verdict {
        std::shared_ptr<const EndpointPolicy> policy;
        std::string url;
        std::string remote_text;
        std::optional<IpAddress> remote;
    };

    struct UrlDeleter {
        void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
    };

    CURL* easy_;
    std::unique_ptr<CURLU, UrlDeleter> parsed_url_;  // else libcurl would parse the text anew for each request
    Poller& poller_;
    const bool proxied_;

    // What the handle is set to, so that only changes are set again.
    std::string url_set_;
    std::string method_set_;
    TimeLimits limits_set_;
    bool pins_set_ = false;

    // What libcurl reads during the exchange.
    const Target* target_ = nullptr;
    std::size_t body_bytes_ = 0;
    std::string header_text_;  // zero-terminated lines, one after the other
    std::vector<std::size_t> header_starts_;
    std::vector<curl_slist> header_nodes_;  // views into header_text_: no allocation per line
    std::vector<std::string> pin_text_;
    std::vector<curl_slist> pin_nodes_;

    // What came of it so far.
    Verdict verdict_;
    std::optional<Error> refusal_;
    std::optional<IpAddress> remote_;
    unsigned dials_ = 0;
    unsigned sends_ = 0;
    int socket_errno_ = 0;
    int status_ = 0;
    bool final_ = false;  // the final response's header section is complete
    bool response_refused_ = false;
    bool cut_ = false;
    std::size_t header_bytes_ = 0;
    std::size_t body_read_ = 0;
    Headers headers_;
    std::string body_;
};

}  // namespace fpt_webhooks::inline v0_1::detail
