#include <fpt_webhooks/receiver/http_limits.hpp>

#include <algorithm>
#include <charconv>
#include <string>

#include <fpt_webhooks/receiver/handle_report.hpp>

namespace fpt_webhooks::inline v0_1 {
namespace {

// The only value of a header: nothing when it is not there.
struct Only {
    std::optional<std::string_view> value;
    bool repeated;
};

Only only(const Headers& headers, std::string_view name) { return {headers.find(name), headers.count(name) > 1}; }

// Statuses that end a request: after one below, the peer would wait for another response (RFC 9110 section 15).
constexpr int status_min = 200;
constexpr int status_max = 599;

std::optional<std::uint64_t> length_of(std::string_view text) {
    std::uint64_t length = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), length);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return length;
}

// Two readers of one stream must agree where a body ends; whatever lets them differ is refused (RFC 9112 section 6).
std::optional<HttpResponse> refuse_framing(const Only& length, const Only& transfer) {
    if (length.repeated || transfer.repeated || (length.value && transfer.value)) {
        return refusal(400, "ambiguous length");
    }
    if (transfer.value && !equals_ignoring_case(*transfer.value, "chunked")) return refusal(501, "transfer encoding");
    if (length.value && !length_of(*length.value)) return refusal(400, "malformed length");
    return std::nullopt;
}

}  // namespace

std::optional<HttpResponse> refuse_head(const HttpRequest& head, const HttpLimits& limits) {
    const Only length = only(head.headers, "Content-Length");
    if (auto refused = refuse_framing(length, only(head.headers, "Transfer-Encoding"))) return refused;

    std::size_t bytes = 0;
    for (const auto& field : head.headers) bytes += field.name.size() + field.value.size();
    if (head.headers.size() > limits.headers_max) return refusal(431, "too many headers");
    if (bytes > limits.header_bytes_max) return refusal(431, "headers too large");

    if (head.method != "POST") return refusal(405, name_of(HandleOutcome::wrong_method));
    const Only encoding = only(head.headers, "Content-Encoding");
    if (encoding.value && (encoding.repeated || !equals_ignoring_case(*encoding.value, "identity"))) {
        HttpResponse response = refusal(415, name_of(HandleOutcome::wrong_media_type));
        response.headers.add("Accept-Encoding", "identity");
        return response;
    }
    if (length.value && *length_of(*length.value) > limits.body_bytes_max) {
        return refusal(413, name_of(HandleOutcome::too_large));
    }
    return std::nullopt;
}

bool announces_body(const HttpRequest& head) noexcept {
    // Of two lengths the server may have followed either; and only this one spelling is surely no body to everybody.
    const Only length = only(head.headers, "Content-Length");
    return head.headers.count("Transfer-Encoding") != 0 || length.repeated || (length.value && *length.value != "0");
}

HttpResponse refusal(int status, std::string_view words) {
    HttpResponse response{.status = status, .body = std::string(words)};
    if (status == 405) response.headers.add("Allow", "POST");
    return response;
}

HttpResponse answer(const HttpHandler& handler, const HttpRequest& request) {
    try {
        HttpResponse response = handler(request);
        if (response.status >= status_min && response.status <= status_max) return response;
    } catch (...) {
        // answered below
    }
    return refusal(500, name_of(HandleOutcome::handler_failed));
}

}  // namespace fpt_webhooks::inline v0_1
